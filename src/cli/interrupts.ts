/**
 * Ctrl-C, whoever hears it: the terminal by a signal, or the prompt's line editor. The latest listener gets it;
 * without any it goes to the fallback.
 */
export class Interrupts {
  readonly #listeners: (() => void)[] = [];
  readonly #fallback: () => void;

  /** @param fallback called when nobody listens. */
  constructor(fallback: () => void = () => {}) {
    this.#fallback = fallback;
  }

  /** Ctrl-C was pressed. */
  raise(): void {
    (this.#listeners.at(-1) ?? this.#fallback)();
  }

  /** Hears every Ctrl-C from now on, until the result is disposed of. */
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
