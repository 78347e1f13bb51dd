/**
 * Looks at directories in which files grow. One that is idle is watched; one that is written again and again is looked at
 * each 20 ms instead, since watching it would cost the writer and us far more. All watches share one descriptor, all hot
 * directories one timer.
 *
 *   add ──► hot ──hotPolls looks without growth──► idle (watched)
 *            ▲                                       │
 *            └── grown again within hotPollMs ───────┘
 *
 * One at which somebody waits for each byte is watched while it grows too. Where the machine has no watch left, a directory is
 * looked at each unwatchedPollMs.
 */
import { type FSWatcher, watch } from 'node:fs';
import type { Clock } from '#base/clock.ts';
import type { Logger } from '#base/log.ts';

/** The pause between two looks at files that are being written, milliseconds. */
export const hotPollMs = 20;

/** Looks without anything new before a directory counts as idle. */
export const hotPolls = 5;

/** The pause between two looks at what cannot be watched, milliseconds. */
const unwatchedPollMs = 500;

/** Looks take at most one part in so many of the time: with very many hot directories they come less often. */
const restFactor = 4;

/** What is looked at. */
export interface Growing {
  readonly directory: string;
  /** Looks. @returns whether something was new. Must not throw. */
  look(): boolean;
  /** Whether somebody waits for each byte: it is watched then, also while it grows. */
  readonly isAwaited: boolean;
  /** Whether a change of the file of that name is worth a look. */
  concerns(name: string): boolean;
}

interface Entry {
  readonly target: Growing;
  idleLooks: number;
  grownAtMs: number;
  watcher: FSWatcher | undefined;
}

/** All directories that are looked at. */
export class GrowthWatch implements Disposable {
  readonly #clock: Clock;
  readonly #log: Logger;
  readonly #hot = new Set<Entry>();
  readonly #idle = new Set<Entry>();
  readonly #unwatched = new Set<Entry>();
  #hotTimer: Disposable | undefined;
  #unwatchedTimer: Disposable | undefined;
  #complained = false;

  constructor(clock: Clock, log: Logger) {
    this.#clock = clock;
    this.#log = log;
  }

  /** Looks from now on, until the result is disposed of. The directory must be there. */
  add(target: Growing): Disposable {
    const entry: Entry = { target, idleLooks: 0, grownAtMs: Number.NEGATIVE_INFINITY, watcher: undefined };
    this.#heat(entry);
    return { [Symbol.dispose]: () => this.#remove(entry) };
  }

  [Symbol.dispose](): void {
    for (const entry of [...this.#hot, ...this.#idle, ...this.#unwatched]) this.#remove(entry);
  }

  #heat(entry: Entry): void {
    this.#remove(entry);
    entry.idleLooks = 0;
    this.#hot.add(entry);
    this.#hotTimer ??= this.#clock.schedule(hotPollMs, () => this.#lookAtHot());
  }

  #lookAtHot(): void {
    const fromMs = this.#clock.monotonicMs();
    for (const entry of this.#hot) {
      entry.idleLooks = entry.target.look() ? 0 : entry.idleLooks + 1;
      if (entry.idleLooks >= hotPolls || entry.target.isAwaited) this.#cool(entry);
    }
    const pauseMs = Math.max(hotPollMs, restFactor * (this.#clock.monotonicMs() - fromMs));
    this.#hotTimer =
      this.#hot.size === 0 ? undefined : this.#clock.schedule(pauseMs, () => this.#lookAtHot());
  }

  #cool(entry: Entry): void {
    this.#hot.delete(entry);
    entry.watcher = this.#watch(entry);
    if (!entry.watcher) {
      this.#unwatched.add(entry);
      this.#unwatchedTimer ??= this.#clock.schedule(unwatchedPollMs, () => this.#lookAtUnwatched());
      return;
    }
    this.#idle.add(entry);
    // Once more, so that nothing falls between the last look and the watch.
    this.#changed(entry);
  }

  #changed(entry: Entry): void {
    if (!this.#idle.has(entry) || !entry.target.look()) return;
    const nowMs = this.#clock.monotonicMs();
    if (nowMs - entry.grownAtMs <= hotPollMs && !entry.target.isAwaited) this.#heat(entry);
    entry.grownAtMs = nowMs;
  }

  #lookAtUnwatched(): void {
    for (const entry of this.#unwatched) {
      if (entry.target.look()) this.#heat(entry);
    }
    this.#unwatchedTimer =
      this.#unwatched.size === 0
        ? undefined
        : this.#clock.schedule(unwatchedPollMs, () => this.#lookAtUnwatched());
  }

  #watch(entry: Entry): FSWatcher | undefined {
    const { directory } = entry.target;
    try {
      const watcher = watch(directory, { persistent: false }, (_event, name) => {
        if (name === null || entry.target.concerns(name)) this.#changed(entry);
      });
      return watcher.on('error', () => this.#changed(entry));
    } catch (error) {
      if (!this.#complained) {
        this.#complained = true;
        const reason = (error as Error).message;
        this.#log.warn({ reason, directory }, 'files cannot be watched: they are looked at twice a second');
      }
      return undefined;
    }
  }

  #remove(entry: Entry): void {
    entry.watcher?.close();
    entry.watcher = undefined;
    this.#hot.delete(entry);
    this.#idle.delete(entry);
    this.#unwatched.delete(entry);
    if (this.#hot.size === 0) {
      this.#hotTimer?.[Symbol.dispose]();
      this.#hotTimer = undefined;
    }
    if (this.#unwatched.size === 0) {
      this.#unwatchedTimer?.[Symbol.dispose]();
      this.#unwatchedTimer = undefined;
    }
  }
}
