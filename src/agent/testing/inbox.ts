/** Things that arrive, to be awaited one after the other. */
export class Inbox<T> {
  readonly #arrived: T[] = [];
  readonly #waiting: ((value: T) => void)[] = [];

  /** What has arrived and was not taken. */
  get waiting(): number {
    return this.#arrived.length;
  }

  put(value: T): void {
    const waiter = this.#waiting.shift();
    if (waiter) waiter(value);
    else this.#arrived.push(value);
  }

  /** The next one, as soon as it is there. */
  next(): Promise<T> {
    const [value] = this.#arrived.splice(0, 1);
    if (value !== undefined) return Promise.resolve(value);
    return new Promise((resolve) => this.#waiting.push(resolve));
  }
}
