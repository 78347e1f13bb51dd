/**
 * Lines that somebody types at a terminal. What is typed or pasted beyond a line's end, or while a command runs, waits for the
 * next lines, so that several lines which were pasted together run one after another.
 */

import type { Writable } from 'node:stream';
import { StringDecoder } from 'node:string_decoder';
import type { Terminal } from '#cli/terminal.ts';
import type { History } from './history.ts';
import { type CompleteLine, LineEditor, type Typed } from './line-editor.ts';
import { type CommandKeys, interrupt, type Lines } from './lines.ts';
import { PasteDecoder, pasteMarks, pasteMax } from './paste-decoder.ts';

/** What lines are typed with. */
export interface TypedLinesOptions {
  readonly terminal: Pick<Terminal, 'takeKeys' | 'suspend'>;
  /** Where the prompt and what is typed appear. */
  readonly output: Writable;
  readonly history: History;
  readonly complete: CompleteLine;
  /** The terminal understands control sequences. */
  readonly capable: boolean;
}

/** Keys that mean nothing while a command runs: the end of input, and holding the output. */
const idleKeys = new Set(['\u0004', '\u0011', '\u0013']);

/** The keyboard is held as long as a line is awaited or a command is watched, else it is nobody's. */
export class TypedLines implements Lines {
  readonly interactive = true;
  readonly #options: TypedLinesOptions;
  readonly #utf8 = new StringDecoder('utf8');
  readonly #paste = new PasteDecoder();
  /** What was typed and is of no line yet. */
  #ahead = '';
  #editor: LineEditor | undefined;

  constructor(options: TypedLinesOptions) {
    this.#options = options;
  }

  async next(prompt: string): Promise<string | undefined | typeof interrupt> {
    for (;;) {
      const typed = await this.#type(prompt);
      if (typed.kind === 'line') {
        this.#options.history.add(typed.line);
        return typed.line;
      }
      if (typed.kind === 'end') return undefined;
      if (typed.wasEmpty) return interrupt;
    }
  }

  notice(text: string): void {
    if (this.#editor) this.#editor.notice(text);
    else this.#options.output.write(`${text}\n`);
  }

  watch(keys: CommandKeys): Disposable {
    return this.#options.terminal.takeKeys((data) => {
      for (const character of this.#decode(data)) this.#press(character, keys);
    });
  }

  get history(): readonly string[] {
    return this.#options.history.lines;
  }

  clearHistory(): void {
    this.#options.history.clear();
  }

  [Symbol.dispose](): void {
    this.#editor?.end();
    this.#options.history[Symbol.dispose]();
  }

  #type(prompt: string): Promise<Typed> {
    const { terminal, output, history, complete, capable } = this.#options;
    const { promise, resolve } = Promise.withResolvers<Typed>();
    const onDone = (typed: Typed, rest: string) => {
      this.#editor = undefined;
      this.#ahead = rest;
      keyboard[Symbol.dispose]();
      if (capable) output.write(pasteMarks.off);
      if (typed.kind === 'end') output.write('\n');
      resolve(typed);
    };
    if (capable) output.write(pasteMarks.on);
    const suspend = () => terminal.suspend();
    const editor = new LineEditor({ prompt, output, history, complete, onDone, suspend });
    const keyboard = terminal.takeKeys(
      (data) => editor.type(this.#decode(data)),
      () => editor.end(),
    );
    this.#editor = editor;
    const ahead = this.#ahead;
    this.#ahead = '';
    editor.type(ahead);
    return promise;
  }

  #decode(data: Uint8Array): string {
    return this.#paste.push(this.#utf8.write(Buffer.from(data)));
  }

  /** As a terminal would in its ordinary mode, but that nothing is echoed into the output of the command. */
  #press(character: string, keys: CommandKeys): void {
    if (character === '\u0003') {
      this.#ahead = '';
      keys.interrupt();
    } else if (character === '\u001a') void this.#options.terminal.suspend();
    else if (character === '\u001c') process.kill(process.pid, 'SIGQUIT');
    else if (idleKeys.has(character)) return;
    else if ((character === '\r' || character === '\n') && /(?:^|\r)$/.test(this.#ahead)) keys.enter();
    else if (this.#ahead.length < pasteMax) this.#ahead += character;
  }
}
