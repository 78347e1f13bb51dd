/**
 * Time as the programs see it, so that tests can own it. Deadlines use the monotonic reading; wall time is only for
 * records and display, since it can jump.
 */
export interface Clock {
  /** Wall clock, milliseconds since the epoch. */
  wallMs(): number;
  /** Monotonic milliseconds since some moment of this process; never jumps. */
  monotonicMs(): number;
  /**
   * Calls `callback` once after `delayMs` (clamped to 0 … 2^31-1). The timer does not keep the process alive.
   * Disposing it cancels it; doing so twice, or after it has fired, does nothing.
   */
  schedule(delayMs: number, callback: () => void): Disposable;
}

const timerMax = 2 ** 31 - 1;

/** The machine's clock. */
export const systemClock: Clock = {
  wallMs: () => Date.now(),
  monotonicMs: () => performance.now(),
  schedule(delayMs, callback) {
    const timer = setTimeout(callback, Math.min(Math.max(delayMs, 0), timerMax));
    timer.unref();
    return { [Symbol.dispose]: () => clearTimeout(timer) };
  },
};

/**
 * Resolves after `delayMs` by `clock`, or rejects with the signal's reason as soon as it aborts.
 *
 * @throws the reason of `signal` when it aborts first.
 */
export function delay(clock: Clock, delayMs: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal?.aborted) return reject(signal.reason);
    const onAbort = () => {
      timer[Symbol.dispose]();
      reject(signal?.reason);
    };
    const timer = clock.schedule(delayMs, () => {
      signal?.removeEventListener('abort', onAbort);
      resolve();
    });
    signal?.addEventListener('abort', onAbort, { once: true });
  });
}

/** A clock that a test moves by hand. Timers fire in the order of their deadlines while it is moved. */
export class FakeClock implements Clock {
  #now: number;
  readonly #timers = new Set<{ at: number; callback: () => void }>();

  constructor(startMs = 1_700_000_000_000) {
    this.#now = startMs;
  }

  wallMs(): number {
    return this.#now;
  }

  monotonicMs(): number {
    return this.#now;
  }

  schedule(delayMs: number, callback: () => void): Disposable {
    const timer = { at: this.#now + Math.max(delayMs, 0), callback };
    this.#timers.add(timer);
    return { [Symbol.dispose]: () => void this.#timers.delete(timer) };
  }

  /** Moves time forward and fires what falls due, letting promises settle after each timer. */
  async advance(ms: number): Promise<void> {
    const end = this.#now + ms;
    for (;;) {
      const due = [...this.#timers].filter((t) => t.at <= end).sort((a, b) => a.at - b.at)[0];
      if (!due) break;
      this.#timers.delete(due);
      this.#now = Math.max(this.#now, due.at);
      due.callback();
      await new Promise((resolve) => setImmediate(resolve));
    }
    this.#now = end;
    await new Promise((resolve) => setImmediate(resolve));
  }
}
