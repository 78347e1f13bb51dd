/** Bounds how many starts are under way at once; the rest wait in their order. Knows nothing of starts. */
export class StartQueue<T> {
  readonly #concurrencyMax: () => number;
  readonly #run: (item: T) => Promise<void>;
  readonly #waiting: T[] = [];
  #running = 0;

  /** @param concurrencyMax is asked each time; at least 1. @param run must not reject. */
  constructor(concurrencyMax: () => number, run: (item: T) => Promise<void>) {
    this.#concurrencyMax = concurrencyMax;
    this.#run = run;
  }

  /** Runs the item now or when it is its turn. */
  push(item: T): void {
    this.#waiting.push(item);
    this.#pump();
  }

  /** Drops what waits. */
  clear(): void {
    this.#waiting.length = 0;
  }

  #pump(): void {
    while (this.#running < this.#concurrencyMax()) {
      const item = this.#waiting.shift();
      if (item === undefined) return;
      this.#running++;
      void this.#run(item).finally(() => {
        this.#running--;
        this.#pump();
      });
    }
  }
}
