/**
 * Something from outside that ends a command unless it has an answer of its own: Ctrl-C, whoever hears it (the terminal by a
 * signal, or the prompt's line editor), or a reader that went away. The latest listener gets it; without any it goes to the
 * fallback.
 */
export class Interrupts {
  readonly #listeners: (() => void)[] = [];
  readonly #fallback: () => void;

  /** @param fallback called when nobody listens. */
  constructor(fallback: () => void = () => {}) {
    this.#fallback = fallback;
  }

  /** It happened. */
  raise(): void {
    (this.#listeners.at(-1) ?? this.#fallback)();
  }

  /** Hears it each time from now on, until the result is disposed of. */
  listen(listener: () => void): Disposable {
    this.#listeners.push(listener);
    return {
      [Symbol.dispose]: () => {
        const index = this.#listeners.lastIndexOf(listener);
        if (index !== -1) this.#listeners.splice(index, 1);
      },
    };
  }
}
