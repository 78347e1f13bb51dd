/** A person at the terminal, for tests: answers questions, and types when the test says so. */
import type { Terminal } from '#cli/terminal.ts';

type Hear = (data: Uint8Array) => void;

/** Somebody whom the test plays. */
export class FakeTerminal implements Terminal {
  readonly #answer: () => Promise<string | undefined>;
  readonly #holders: { readonly hear: Hear | undefined; readonly hangUp: () => void }[] = [];
  /** How often it was suspended. */
  suspended = 0;

  /** @param answer what is pressed, or typed as a line, at each question; nothing by default. */
  constructor(answer: () => Promise<string | undefined> = async () => undefined) {
    this.#answer = answer;
  }

  /** Somebody has the keyboard. */
  get isTaken(): boolean {
    return this.#holders.at(-1)?.hear !== undefined;
  }

  /** Types, to whoever has the keyboard. */
  type(keys: string | Uint8Array): void {
    this.#holders.at(-1)?.hear?.(typeof keys === 'string' ? Buffer.from(keys) : keys);
  }

  /** The terminal goes away. */
  hangUp(): void {
    for (const { hangUp } of [...this.#holders]) hangUp();
  }

  askKey(): Promise<string | undefined> {
    return this.#answer();
  }

  askLine(): Promise<string | undefined> {
    return this.#answer();
  }

  askSecret(): Promise<string | undefined> {
    return this.#answer();
  }

  takeKeys(hear: Hear, hangUp = () => {}): Disposable {
    return this.#hold({ hear, hangUp });
  }

  takeLine(hear: Hear, hangUp?: () => void): Disposable {
    return this.takeKeys(hear, hangUp);
  }

  lendKeys(): Disposable {
    return this.#hold({ hear: undefined, hangUp: () => {} });
  }

  async suspend(): Promise<void> {
    this.suspended += 1;
  }

  #hold(holder: { readonly hear: Hear | undefined; readonly hangUp: () => void }): Disposable {
    this.#holders.push(holder);
    return {
      [Symbol.dispose]: () => {
        const index = this.#holders.indexOf(holder);
        if (index !== -1) this.#holders.splice(index, 1);
      },
    };
  }
}
