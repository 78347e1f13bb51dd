/**
 * Many writers, one reader who pulls. Writers of bulk wait while more than the limit is unsent, which is how a slow
 * reader holds back the nodes that print; news of tasks never waits, and of a task only the latest stays unsent.
 *
 *   log pumps ──put (waits)──►┐
 *                             ├─► queue ──► for await, one reader
 *   task news ──offer/push───►┘
 */

interface Entry<T> {
  value: T;
  readonly bytes: number;
  readonly key: string | undefined;
}

/** A queue that is open until `end` or `fail`; what was put before that is still delivered. */
export class ResponseQueue<T> {
  readonly #bytesMax: number;
  /** In the order of their coming. */
  readonly #entries = new Set<Entry<T>>();
  readonly #byKey = new Map<string, Entry<T>>();
  #bytes = 0;
  #ended = false;
  #failure: { readonly error: unknown } | undefined;
  #reader: (() => void) | undefined;
  #writers: (() => void)[] = [];

  /** @param bytesMax `put` waits while so many bytes are unsent; one value may go beyond it. */
  constructor(bytesMax: number) {
    this.#bytesMax = bytesMax;
  }

  /** Bytes that are unsent. */
  get bytes(): number {
    return this.#bytes;
  }

  /** Adds news of `key`, in place of news of it that is still unsent. */
  offer(key: string, value: T): void {
    const waiting = this.#byKey.get(key);
    if (waiting) {
      waiting.value = value;
      return;
    }
    this.#add({ value, bytes: 0, key });
  }

  /** Adds a value behind everything that was added before. */
  push(value: T): void {
    this.#add({ value, bytes: 0, key: undefined });
  }

  /**
   * Adds bulk, as soon as there is room.
   *
   * @throws the signal's reason when it aborts first; the value is then not added.
   */
  async put(value: T, bytes: number, signal: AbortSignal): Promise<void> {
    while (this.#bytes >= this.#bytesMax && !this.#isOver()) await this.#room(signal);
    signal.throwIfAborted();
    this.#add({ value, bytes, key: undefined });
  }

  /** Nothing more will come. */
  end(): void {
    this.#ended = true;
    this.#wakeReader();
  }

  /** The reader gets this error after what was added before. */
  fail(error: unknown): void {
    this.#failure ??= { error };
    this.#wakeReader();
    this.#wakeWriters();
  }

  /**
   * Takes the values out, in order. For one reader.
   *
   * @throws what `fail` was given; the reason of `signal` at once when it aborts.
   */
  async *read(signal: AbortSignal): AsyncGenerator<T, void, undefined> {
    const wake = () => this.#wakeReader();
    signal.addEventListener('abort', wake);
    try {
      for (;;) {
        signal.throwIfAborted();
        const entry = this.#take();
        if (entry) yield entry.value;
        else if (this.#failure) throw this.#failure.error;
        else if (this.#ended) return;
        else await this.#news();
      }
    } finally {
      signal.removeEventListener('abort', wake);
    }
  }

  #add(entry: Entry<T>): void {
    if (this.#isOver()) return;
    this.#entries.add(entry);
    if (entry.key !== undefined) this.#byKey.set(entry.key, entry);
    this.#bytes += entry.bytes;
    this.#wakeReader();
  }

  #take(): Entry<T> | undefined {
    const [entry] = this.#entries;
    if (!entry) return undefined;
    this.#entries.delete(entry);
    if (entry.key !== undefined) this.#byKey.delete(entry.key);
    this.#bytes -= entry.bytes;
    if (this.#bytes < this.#bytesMax) this.#wakeWriters();
    return entry;
  }

  #isOver(): boolean {
    return this.#ended || this.#failure !== undefined;
  }

  #news(): Promise<void> {
    return new Promise((resolve) => {
      this.#reader = resolve;
    });
  }

  async #room(signal: AbortSignal): Promise<void> {
    signal.throwIfAborted();
    const { promise, resolve } = Promise.withResolvers<void>();
    const wake = () => resolve();
    this.#writers.push(wake);
    signal.addEventListener('abort', wake);
    await promise;
    signal.removeEventListener('abort', wake);
  }

  #wakeReader(): void {
    this.#reader?.();
    this.#reader = undefined;
  }

  #wakeWriters(): void {
    const writers = this.#writers;
    this.#writers = [];
    for (const wake of writers) wake();
  }
}
