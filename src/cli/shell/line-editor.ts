/**
 * One line that is being typed: Node's line editor, with reverse search, completion that typing goes past, and no byte
 * taken beyond the end of the line. Where keys come from and what becomes of the line is the caller's business.
 */
import { clearScreenDown, createInterface, cursorTo, type Interface, moveCursor } from 'node:readline';
import { Readable, type Writable } from 'node:stream';
import { setImmediate } from 'node:timers/promises';
import type { History } from './history.ts';
import {
  emptySearch,
  extendSearch,
  renderSearch,
  type Search,
  searchOlder,
  shortenSearch,
} from './reverse-search.ts';

/** What may stand where Tab was pressed. */
export interface Completed {
  /** What stands there now, as typed. */
  readonly typed: string;
  /** What could, each whole. */
  readonly candidates: readonly string[];
}

/** Completes what was typed up to the cursor. May be aborted, and must not fail. */
export type CompleteLine = (typed: string, abort: AbortSignal) => Promise<Completed>;

/** How a line ended: by Enter, by Ctrl-C, or by Ctrl-D where nothing was typed. */
export type Typed =
  | { readonly kind: 'line'; readonly line: string }
  | { readonly kind: 'interrupt'; readonly wasEmpty: boolean }
  | { readonly kind: 'end' };

/** What a line is typed with. */
export interface LineEditorOptions {
  readonly prompt: string;
  readonly output: Writable;
  readonly history: History;
  readonly complete: CompleteLine;
  /** It is over; `rest` is what was typed beyond it. */
  readonly onDone: (typed: Typed, rest: string) => void;
  /** Ctrl-Z. */
  readonly suspend: () => Promise<void>;
}

const key = {
  controlC: '\u0003',
  controlD: '\u0004',
  controlG: '\u0007',
  backspace: '\u0008',
  controlR: '\u0012',
  controlZ: '\u001a',
  delete: '\u007f',
} as const;

/** Characters after which the line may be over, or something may have to be waited for. */
const turns = `\\r\\n\\t${key.controlC}${key.controlD}${key.controlR}${key.controlZ}`;
/** Text up to and with the first of them. */
const piece = new RegExp(`^[^${turns}]*[${turns}]?`);

/** The editor's input. It is never read: keys are emitted, so that what they do has been done when that returns. */
class Keys extends Readable {
  override _read(): void {}
}

/** Edits until Enter, Ctrl-C, Ctrl-D, or until it is disposed of. */
export class LineEditor implements Disposable {
  readonly #options: LineEditorOptions;
  readonly #keys = new Keys();
  readonly #editor: Interface;
  #unread = '';
  #done = false;
  #busy: AbortController | undefined;
  #search: Search | undefined;
  #before = '';

  constructor(options: LineEditorOptions) {
    this.#options = options;
    const { output, prompt, history } = options;
    this.#editor = createInterface({
      input: this.#keys,
      output,
      terminal: true,
      prompt,
      history: [...history.lines],
      historySize: Math.max(history.lines.length, 1),
      completer: (typed: string, done: CompleterCallback) => void this.#complete(typed, done),
    });
    this.#editor.on('line', (line) => this.#finish({ kind: 'line', line }));
    this.#editor.on('SIGINT', () => this.#interrupt());
    this.#editor.on('close', () => this.#finish({ kind: 'end' }));
    this.#editor.prompt();
  }

  /** Types text. Ends the line at the first Enter in it; the rest goes to `onDone`. */
  type(text: string): void {
    this.#unread += text;
    this.#busy?.abort();
    this.#read();
  }

  /** Nothing more is typed. */
  end(): void {
    this.#finish({ kind: 'end' });
  }

  /** Prints a line above the one that is being typed. */
  notice(text: string): void {
    const { output } = this.#options;
    const { rows } = this.#editor.getCursorPos();
    moveCursor(output, 0, -rows);
    cursorTo(output, 0);
    clearScreenDown(output);
    output.write(`${text}\n`);
    this.#editor.prompt(true);
  }

  [Symbol.dispose](): void {
    this.#done = true;
    this.#busy?.abort();
    this.#editor.close();
  }

  #read(): void {
    while (this.#unread !== '' && !this.#done && !this.#busy) {
      if (this.#search) this.#readInSearch(this.#search);
      else {
        const [text = ''] = piece.exec(this.#unread) ?? [];
        this.#unread = this.#unread.slice(text.length);
        const last = text.at(-1);
        const ours = last === key.controlR || last === key.controlZ;
        this.#keys.emit('data', ours ? text.slice(0, -1) : text);
        if (last === key.controlR) this.#beginSearch();
        else if (last === key.controlZ) void this.#suspend();
      }
    }
  }

  #finish(typed: Typed): void {
    if (this.#done) return;
    this[Symbol.dispose]();
    this.#options.onDone(typed, this.#unread);
  }

  #interrupt(): void {
    const wasEmpty = this.#editor.line === '';
    this.#editor.write(null, { ctrl: true, name: 'e' });
    this.#options.output.write('^C\n');
    this.#finish({ kind: 'interrupt', wasEmpty });
  }

  async #suspend(): Promise<void> {
    this.#busy = new AbortController();
    this.#options.output.write('^Z\n');
    await this.#options.suspend();
    this.#busy = undefined;
    this.#editor.prompt(true);
    this.#read();
  }

  async #complete(typed: string, done: CompleterCallback): Promise<void> {
    const busy = new AbortController();
    this.#busy = busy;
    const { candidates, typed: replaced } = await this.#options.complete(typed, busy.signal);
    if (this.#done) return;
    done(null, [busy.signal.aborted ? [] : [...candidates], replaced]);
    // The editor shows them some microtasks later, and what was typed meanwhile comes after them.
    await setImmediate();
    this.#busy = undefined;
    this.#read();
  }

  #replaceLine(text: string): void {
    this.#editor.write(null, { ctrl: true, name: 'e' });
    this.#editor.write(null, { ctrl: true, name: 'u' });
    if (text !== '') this.#editor.write(text);
  }

  #beginSearch(): void {
    this.#before = this.#editor.line;
    this.#showSearch(emptySearch);
  }

  #showSearch(search: Search): void {
    this.#search = search;
    this.#editor.setPrompt(renderSearch(search));
    this.#replaceLine(this.#options.history.lines[search.index] ?? '');
    this.#editor.prompt(true);
  }

  #endSearch(line: string): void {
    this.#search = undefined;
    this.#editor.setPrompt(this.#options.prompt);
    this.#replaceLine(line);
    this.#editor.prompt(true);
  }

  /** A character of what is looked for, or a key that goes on or ends; any other takes what was found and is then typed. */
  #readInSearch(search: Search): void {
    const { lines } = this.#options.history;
    const [character = ''] = this.#unread;
    const isText = character >= ' ' && character !== key.delete;
    const taken = () => {
      this.#unread = this.#unread.slice(character.length);
    };
    if (isText) {
      taken();
      this.#showSearch(extendSearch(search, character, lines));
    } else if (character === key.controlR) {
      taken();
      this.#showSearch(searchOlder(search, lines));
    } else if (character === key.delete || character === key.backspace) {
      taken();
      this.#showSearch(shortenSearch(search, lines));
    } else if (character === key.controlG || character === key.controlC) {
      taken();
      this.#endSearch(this.#before);
    } else {
      this.#endSearch(this.#editor.line);
    }
  }
}

type CompleterCallback = (error: null, result: [string[], string]) => void;
