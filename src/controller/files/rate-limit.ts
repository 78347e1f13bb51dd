/**
 * So many bytes a second, to all who share them, in the order in which they come. What is larger than a second's worth goes at once when its
 * turn comes, and is paid for by those behind it.
 */
import type { Clock } from '#base/clock.ts';
import { onAbort } from '#controller/dispatch/on-abort.ts';

interface Turn {
  readonly bytes: number;
  readonly go: () => void;
}

/** A timer that is late does not make the whole slower: so much time is made up for. */
const maxCreditMs = 50;

/** A bucket of tokens, one a byte. */
export class RateLimit {
  readonly #clock: Clock;
  readonly #bytesPerMs: number;
  readonly #turns = new Set<Turn>();
  /** When what was let go is paid for. */
  #freeAtMs = 0;
  #timer: Disposable | undefined;

  /** @param bytesPerSecond 0: no limit. */
  constructor(clock: Clock, bytesPerSecond: number) {
    this.#clock = clock;
    this.#bytesPerMs = bytesPerSecond / 1_000;
  }

  /** Resolves when so many bytes may go. @throws the reason of `abort`. */
  async take(bytes: number, abort: AbortSignal): Promise<void> {
    abort.throwIfAborted();
    if (this.#bytesPerMs === 0) return;
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const turn = { bytes, go: resolve };
    this.#turns.add(turn);
    using _waiting = onAbort(abort, () => {
      this.#turns.delete(turn);
      reject(abort.reason);
    });
    this.#look();
    await promise;
  }

  #look(): void {
    for (const turn of this.#turns) {
      const nowMs = this.#clock.monotonicMs();
      if (nowMs < this.#freeAtMs) {
        this.#timer ??= this.#clock.schedule(Math.ceil(this.#freeAtMs - nowMs), () => {
          this.#timer = undefined;
          this.#look();
        });
        return;
      }
      this.#turns.delete(turn);
      const fromMs = nowMs - this.#freeAtMs < maxCreditMs ? this.#freeAtMs : nowMs;
      this.#freeAtMs = fromMs + turn.bytes / this.#bytesPerMs;
      turn.go();
    }
  }
}
