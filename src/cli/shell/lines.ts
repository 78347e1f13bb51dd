/** Where the prompt's lines come from: somebody who types (typed-lines.ts), or a stream that is read line by line. */
import { createInterface, type Interface } from 'node:readline';
import type { Readable, Writable } from 'node:stream';

/** A source of lines. Dispose of it to give the input back. */
export interface Lines extends Disposable {
  /** It is a person who types: a prompt is shown, and a failing line is no reason to end with its code. */
  readonly interactive: boolean;
  /**
   * The next line, without its end.
   *
   * @returns undefined at the end of input; "interrupt" as a symbol for Ctrl-C on an empty line.
   */
  next(prompt: string): Promise<string | undefined | typeof interrupt>;
  /** Prints a line to `output` without harming one that is being typed. */
  notice(text: string): void;
  /** Hears the keys that mean something to a command that runs, until the result is disposed of. */
  watch(keys: CommandKeys): Disposable;
  /** What was typed before, newest first. */
  readonly history: readonly string[];
  /** Forgets what was typed before. */
  clearHistory(): void;
}

/** Keys while a command runs. */
export interface CommandKeys {
  /** Enter, with nothing typed before it. */
  readonly enter: () => void;
  /** Ctrl-C. */
  readonly interrupt: () => void;
}

/** Ctrl-C was pressed on an empty line. */
export const interrupt = Symbol('interrupt');

/** Lines of a file or pipe. */
export class StreamLines implements Lines {
  readonly interactive = false;
  readonly history: readonly string[] = [];
  readonly #reader: Interface;
  readonly #iterator: AsyncIterator<string>;
  readonly #output: Writable;

  constructor(input: Readable, output: Writable) {
    this.#reader = createInterface({ input, terminal: false, crlfDelay: Number.POSITIVE_INFINITY });
    this.#iterator = this.#reader[Symbol.asyncIterator]();
    this.#output = output;
  }

  async next(): Promise<string | undefined> {
    const { value, done } = await this.#iterator.next();
    return done ? undefined : value;
  }

  notice(text: string): void {
    this.#output.write(`${text}\n`);
  }

  /** Nobody is at the keys: Ctrl-C comes as a signal. */
  watch(): Disposable {
    return { [Symbol.dispose]() {} };
  }

  clearHistory(): void {}

  [Symbol.dispose](): void {
    this.#reader.close();
  }
}
