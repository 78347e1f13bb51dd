/** Where the prompt's lines come from: an editor on a terminal, or a stream that is read line by line. */
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
}

/** Ctrl-C was pressed on an empty line. */
export const interrupt = Symbol('interrupt');

/** Lines that the history keeps. */
const historySize = 500;

/**
 * Lines that somebody types. The editor has the terminal only while a line is awaited, so that a command has it in its
 * ordinary mode and Ctrl-C reaches it as a signal. Lines that were pasted together come one after another.
 */
export class TerminalLines implements Lines {
  readonly interactive = true;
  readonly #input: Readable;
  readonly #output: Writable;
  readonly #waiting: string[] = [];
  #unfinished = '';
  #history: string[] = [];
  #editor: Interface | undefined;

  constructor(input: Readable, output: Writable) {
    this.#input = input;
    this.#output = output;
  }

  next(prompt: string): Promise<string | undefined | typeof interrupt> {
    const waiting = this.#waiting.shift();
    if (waiting !== undefined) return Promise.resolve(waiting);
    const { promise, resolve } = Promise.withResolvers<string | undefined | typeof interrupt>();
    const editor = this.#open(prompt);
    let answered = false;
    // A paste holds several lines: those after the first are kept for the next calls.
    editor.on('line', (line) => {
      this.#waiting.push(line);
      if (answered) return;
      answered = true;
      setImmediate(() => {
        this.#close(editor);
        resolve(this.#waiting.shift());
      });
    });
    editor.on('SIGINT', () => {
      const empty = editor.line === '';
      this.#output.write('^C\n');
      if (empty && !answered) {
        answered = true;
        this.#close(editor);
        resolve(interrupt);
      } else {
        editor.write(null, { ctrl: true, name: 'e' });
        editor.write(null, { ctrl: true, name: 'u' });
        editor.prompt();
      }
    });
    editor.on('close', () => {
      if (!answered) resolve(undefined);
      answered = true;
    });
    editor.on('history', (history) => {
      this.#history = history;
    });
    editor.prompt();
    if (this.#unfinished) editor.write(this.#unfinished);
    this.#unfinished = '';
    return promise;
  }

  notice(text: string): void {
    if (!this.#editor) {
      this.#output.write(`${text}\n`);
      return;
    }
    this.#output.write(`\r\u001b[K${text}\n`);
    this.#editor.prompt(true);
  }

  [Symbol.dispose](): void {
    if (this.#editor) this.#close(this.#editor);
  }

  #open(prompt: string): Interface {
    this.#editor = createInterface({
      input: this.#input,
      output: this.#output,
      terminal: true,
      prompt,
      history: this.#history,
      historySize,
      removeHistoryDuplicates: true,
    });
    return this.#editor;
  }

  #close(editor: Interface): void {
    if (this.#editor !== editor) return;
    this.#editor = undefined;
    this.#unfinished = editor.line;
    editor.close();
  }
}

/** Lines of a file or pipe. */
export class StreamLines implements Lines {
  readonly interactive = false;
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

  [Symbol.dispose](): void {
    this.#reader.close();
  }
}
