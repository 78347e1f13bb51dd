/**
 * Looks each second whether the disk of the outputs is full, and notes it with what runs: what was printed may be missing then. A disk
 * that was full for less may have gone unseen.
 */
import type { LogDisk } from '#agent/logs/log-disk.ts';
import type { Clock } from '#base/clock.ts';
import type { Attempts } from './attempts.ts';

const pauseMs = 1_000;

/** Looks until it is disposed of. */
export class FullDiskWatch implements Disposable {
  readonly #attempts: Attempts;
  readonly #disk: LogDisk;
  readonly #clock: Clock;
  #timer: Disposable;

  constructor(attempts: Attempts, disk: LogDisk, clock: Clock) {
    this.#attempts = attempts;
    this.#disk = disk;
    this.#clock = clock;
    this.#timer = this.#lookLater();
  }

  [Symbol.dispose](): void {
    this.#timer[Symbol.dispose]();
  }

  #lookLater(): Disposable {
    return this.#clock.schedule(pauseMs, () => {
      this.#timer = this.#lookLater();
      if (this.#attempts.size === 0 || !this.#disk.isFull()) return;
      for (const live of this.#attempts.all()) this.#attempts.apply(live, { kind: 'logDiskFull' });
    });
  }
}
