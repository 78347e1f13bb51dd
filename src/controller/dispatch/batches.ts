/**
 * Collects what comes in one turn of the event loop, and what comes while the previous batch is worked on, so that
 * many items share one transaction. Keeps the order; works on one batch at a time. Sets no limit on what waits:
 * the caller looks at `size`.
 */
export class Batches<Item> {
  readonly #apply: (items: readonly Item[]) => Promise<void>;
  readonly #batchMax: number;
  readonly #rest: () => Promise<unknown>;
  #waiting: Item[] = [];
  #work: Promise<void> | undefined;

  /**
   * @param batchMax items of one batch at the most.
   * @param apply must not reject.
   * @param rest a pause after each batch, in which the next one grows; default none. The first after a quiet time does not wait.
   */
  constructor(
    batchMax: number,
    apply: (items: readonly Item[]) => Promise<void>,
    rest: () => Promise<unknown> = async () => {},
  ) {
    this.#batchMax = batchMax;
    this.#apply = apply;
    this.#rest = rest;
  }

  /** Items that wait for their batch to begin. */
  get size(): number {
    return this.#waiting.length;
  }

  /** Puts an item into the next batch that has room. */
  add(item: Item): void {
    this.#waiting.push(item);
    this.#work ??= this.#drain();
  }

  /** Resolves when nothing is waiting or under way. */
  async idle(): Promise<void> {
    while (this.#work) await this.#work;
  }

  async #drain(): Promise<void> {
    await new Promise((resolve) => setImmediate(resolve));
    while (this.#waiting.length > 0) {
      await this.#apply(this.#waiting.splice(0, this.#batchMax));
      if (this.#waiting.length < this.#batchMax) await this.#rest();
    }
    this.#work = undefined;
  }
}
