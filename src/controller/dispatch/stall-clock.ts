/**
 * The clock by which nodes are judged: the monotonic one less the time that this process itself stood still, so that a
 * controller that was paused loses no node. It may stand still for a moment after a pause, and never goes back.
 */
import type { Clock } from '#base/clock.ts';

/** How often `tick` is to be called, milliseconds. */
export const tickMs = 1_000;

/** A tick so late means that this process stood still. */
const stallMs = 2_000;

/** A clock without the stalls of this process. */
export class StallClock {
  readonly #clock: Clock;
  #stalledMs = 0;
  #stallEndedMs = Number.NEGATIVE_INFINITY;
  #tickedMs: number;
  #latestMs: number;

  constructor(clock: Clock) {
    this.#clock = clock;
    this.#tickedMs = clock.monotonicMs();
    this.#latestMs = this.#tickedMs;
  }

  /** Milliseconds. After a stall less that stall, also where it is read before the tick that was held up. */
  now(): number {
    const nowMs = this.#clock.monotonicMs();
    this.#notice(nowMs);
    this.#latestMs = Math.max(this.#latestMs, nowMs - this.#stalledMs);
    return this.#latestMs;
  }

  /** The process is alive. */
  tick(): void {
    const nowMs = this.#clock.monotonicMs();
    this.#notice(nowMs);
    this.#tickedMs = nowMs;
  }

  /** How long ago the last stall ended, milliseconds; infinite where there was none. */
  sinceStallMs(): number {
    return this.#clock.monotonicMs() - this.#stallEndedMs;
  }

  #notice(nowMs: number): void {
    const lateMs = nowMs - this.#tickedMs - tickMs;
    if (lateMs < stallMs) return;
    this.#stalledMs += lateMs;
    this.#stallEndedMs = nowMs;
    this.#tickedMs = nowMs - tickMs;
  }
}
