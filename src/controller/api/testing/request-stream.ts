/** Requests of a caller, one by one as a test gives them. */

/** A stream that stays open until `leave`. */
export class RequestStream<T> {
  readonly #requests: T[] = [];
  #left = false;
  #news = Promise.withResolvers<void>();

  give(request: T): void {
    this.#requests.push(request);
    this.#news.resolve();
  }

  /** The caller ends its side. */
  leave(): void {
    this.#left = true;
    this.#news.resolve();
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<T> {
    for (;;) {
      const request = this.#requests.shift();
      if (request) yield request;
      else if (this.#left) return;
      else {
        this.#news = Promise.withResolvers();
        await this.#news.promise;
      }
    }
  }
}
