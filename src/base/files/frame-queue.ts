/** Frames from what makes them to what takes them, in order, with room for so many. Knows no message. */

/** A bounded queue with one taker. */
export class FrameQueue<T> {
  readonly #roomFor: number;
  #frames: T[] = [];
  #ended = false;
  #failure: { readonly error: unknown } | undefined;
  #taker: (() => void) | undefined;
  #putters: (() => void)[] = [];

  /** @param roomFor frames above which `room` waits; `put` itself never refuses. */
  constructor(roomFor: number) {
    this.#roomFor = roomFor;
  }

  /** Adds a frame. Without effect after `end`. */
  put(frame: T): void {
    if (this.#ended) return;
    this.#frames.push(frame);
    this.#wakeTaker();
  }

  /** Resolves when there is room, or nobody takes any more. */
  async room(): Promise<void> {
    if (this.#frames.length < this.#roomFor || this.#ended) return;
    await new Promise<void>((resolve) => this.#putters.push(resolve));
  }

  /** No more frames come; with `failure`, for that reason. Twice is once. */
  end(failure?: { readonly error: unknown }): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#failure = failure;
    this.#wakeTaker();
    this.#wakePutters();
  }

  /** What was put, until `end`. @throws what it was ended with. */
  async *taken(): AsyncGenerator<T> {
    for (;;) {
      const frames = this.#frames;
      this.#frames = [];
      if (frames.length > 0) {
        yield* frames;
        this.#wakePutters();
        continue;
      }
      if (this.#failure) throw this.#failure.error;
      if (this.#ended) return;
      await new Promise<void>((resolve) => {
        this.#taker = resolve;
      });
    }
  }

  #wakeTaker(): void {
    this.#taker?.();
    this.#taker = undefined;
  }

  #wakePutters(): void {
    const putters = this.#putters;
    this.#putters = [];
    for (const wake of putters) wake();
  }
}
