/**
 * Whether the disk of the outputs is full. Then what tasks write is refused to them, and nobody else hears how much it was: tasks
 * write their files themselves. So it is only known that output may be missing.
 */
import { statfsSync } from 'node:fs';
import type { Clock } from '#base/clock.ts';

/** An answer is good for so long, milliseconds: a thousand tasks that end at once ask once. */
const freshMs = 50;

/** The disk of one directory. */
export class LogDisk {
  readonly #directory: string;
  readonly #clock: Clock;
  #lookedMs: number | undefined;
  #full = false;

  constructor(directory: string, clock: Clock) {
    this.#directory = directory;
    this.#clock = clock;
  }

  /** Whether nobody but root can write a byte more. False where the system does not tell. */
  isFull(): boolean {
    const nowMs = this.#clock.monotonicMs();
    if (this.#lookedMs !== undefined && nowMs - this.#lookedMs < freshMs) return this.#full;
    this.#lookedMs = nowMs;
    try {
      const { bavail, blocks } = statfsSync(this.#directory);
      this.#full = bavail === 0 && blocks > 0;
    } catch {
      this.#full = false;
    }
    return this.#full;
  }
}
