/** What happens to bytes that go one way: the same for every connection of a proxy, and changed while they are open. Moves none. */

/**
 * `pass`; `hold`: they wait, as what TCP sends again until a route is back; `lose`: they are gone, as with a peer that has lost its
 * power. Of a connection that held or lost bytes the other side does not learn that it was closed either.
 */
export type Flow = 'pass' | 'hold' | 'lose';

/** The weather of one direction. */
export class Weather {
  /** Every byte comes so much later, milliseconds. */
  delayMs = 0;
  /** So many bytes a second, of all connections together. */
  bytesPerSecond = Number.POSITIVE_INFINITY;
  /** Bytes that were let through, and that were lost. */
  passed = 0;
  lost = 0;
  #flow: Flow = 'pass';
  #changed = Promise.withResolvers<void>();
  /** When the link has sent what it was given, on the monotonic clock. */
  #freeMs = 0;

  get flow(): Flow {
    return this.#flow;
  }

  set flow(flow: Flow) {
    this.#flow = flow;
    this.#changed.resolve();
    this.#changed = Promise.withResolvers();
  }

  /** Resolves when the flow is another. */
  get changed(): Promise<void> {
    return this.#changed.promise;
  }

  /** Gives the link `bytes` to send; when it has sent them, milliseconds on the monotonic clock. */
  send(bytes: number, nowMs: number): number {
    this.#freeMs = Math.max(this.#freeMs, nowMs) + (bytes / this.bytesPerSecond) * 1_000;
    return this.#freeMs;
  }
}
