/** A person at the terminal, for tests: answers questions, and types when the test says so. */
import type { Terminal } from '#cli/terminal.ts';

/** Somebody whom the test plays. */
export class FakeTerminal implements Terminal {
  readonly #answer: () => Promise<string | undefined>;
  #hear: ((data: Uint8Array) => void) | undefined;

  /** @param answer what is pressed at each question; nothing by default. */
  constructor(answer: () => Promise<string | undefined> = async () => undefined) {
    this.#answer = answer;
  }

  /** Somebody has the keyboard. */
  get isTaken(): boolean {
    return this.#hear !== undefined;
  }

  /** Types, to whoever has the keyboard. */
  type(text: string): void {
    this.#hear?.(Buffer.from(text));
  }

  askKey(): Promise<string | undefined> {
    return this.#answer();
  }

  takeKeys(onData: (data: Uint8Array) => void): Disposable {
    this.#hear = onData;
    return {
      [Symbol.dispose]: () => {
        this.#hear = undefined;
      },
    };
  }
}
