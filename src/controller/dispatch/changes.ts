/**
 * Who listens to what has changed. Calls listeners at once and in the order in which they came; keeps no history.
 */
export class Changes<Change extends readonly unknown[]> {
  readonly #listeners = new Set<(...change: Change) => void>();

  /** Calls `listener`, which must not throw, with every change from now on. Dispose of the result to stop; twice is once. */
  listen(listener: (...change: Change) => void): Disposable {
    const own = (...change: Change) => listener(...change);
    this.#listeners.add(own);
    return { [Symbol.dispose]: () => void this.#listeners.delete(own) };
  }

  /** Tells every listener. */
  publish(...change: Change): void {
    for (const listener of this.#listeners) listener(...change);
  }
}
