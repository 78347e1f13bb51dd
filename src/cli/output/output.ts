/**
 * Where a command prints to: the one place that writes to standard output and standard error.
 * What is printed for people is made elsewhere; this knows streams, their width and whether they are terminals.
 */

import { cut } from './table.ts';

const newline = 10;
/** To the line's beginning, and all that is on it away (ECMA-48). */
const eraseLine = '\r\u001b[2K';

/** What is needed of a stream; `process.stdout` is one. */
export interface Sink {
  write(chunk: string | Uint8Array): boolean;
  once(event: 'drain' | 'close', listener: () => void): unknown;
  readonly writableNeedDrain: boolean;
  readonly destroyed: boolean;
  readonly isTTY?: boolean;
  readonly columns?: number;
  readonly rows?: number;
  on?(event: 'resize', listener: () => void): unknown;
  off(event: 'drain' | 'close' | 'resize', listener: () => void): unknown;
}

/** A terminal's size, in characters. */
export interface ScreenSize {
  readonly rows: number;
  readonly columns: number;
}

/** Where the terminal does not tell. */
const sizeDefault: ScreenSize = { rows: 24, columns: 80 };

/** Standard output and standard error of a command. */
export class Output {
  readonly #stdout: Sink;
  readonly #stderr: Sink;
  readonly #noColor: boolean;
  readonly #muted = new Set<Sink>();
  /** What stands on the last line of the terminal, below the output; empty: nothing. */
  #status = '';
  #isStatusDrawn = false;
  /** The terminal's cursor is behind something that is not ended by a newline. */
  #isWithinLine = false;

  constructor(stdout: Sink, stderr: Sink, options: { readonly noColor: boolean }) {
    this.#stdout = stdout;
    this.#stderr = stderr;
    this.#noColor = options.noColor;
  }

  /** Prints to standard output, as it is. */
  out(text: string | Uint8Array): void {
    this.#write(this.#stdout, text);
  }

  /** One of the two has lost its reader: what is printed there from now on is dropped. */
  mute(which: 'stdout' | 'stderr'): void {
    this.#muted.add(which === 'stdout' ? this.#stdout : this.#stderr);
  }

  #write(sink: Sink, text: string | Uint8Array): void {
    if (text.length === 0 || sink.destroyed || this.#muted.has(sink)) return;
    if (sink.isTTY) this.#eraseStatus();
    sink.write(text);
    if (!sink.isTTY) return;
    this.#isWithinLine = text.at(-1) !== (typeof text === 'string' ? '\n' : newline);
    this.#drawStatus();
  }

  /** The cursor may be moved about: both streams are the terminal, and nobody minds. */
  get movesCursor(): boolean {
    return this.outIsTerminal && this.errIsTerminal && !this.#noColor;
  }

  /**
   * Keeps a line below everything that is printed, cut to the terminal's width, until it is called again; an empty one takes
   * it away. Does nothing where the cursor may not be moved.
   */
  showStatus(line: string): void {
    if (!this.movesCursor || line === this.#status) return;
    this.#eraseStatus();
    this.#status = line;
    this.#drawStatus();
  }

  #drawStatus(): void {
    if (this.#status === '' || this.#isWithinLine || this.#stderr.destroyed) return;
    // The last column stays free: a cursor behind it is on the next line on some terminals.
    this.#stderr.write(cut(this.#status, (this.columns ?? sizeDefault.columns) - 1));
    this.#isStatusDrawn = true;
  }

  #eraseStatus(): void {
    if (!this.#isStatusDrawn) return;
    this.#isStatusDrawn = false;
    this.#stderr.write(eraseLine);
  }

  /** Prints to standard error, as it is. */
  err(text: string | Uint8Array): void {
    this.#write(this.#stderr, text);
  }

  /** Prints a line to standard output. */
  outLine(text: string): void {
    this.out(`${text}\n`);
  }

  /** Prints a line to standard error. */
  errLine(text: string): void {
    this.err(`${text}\n`);
  }

  /** Resolves when both streams take more, so that a slow reader holds up the sender instead of filling memory. */
  async drained(): Promise<void> {
    const sinks = [this.#stdout, this.#stderr].filter((sink) => !this.#muted.has(sink));
    await Promise.all(sinks.map(drained));
  }

  /** Standard output is a terminal. */
  get outIsTerminal(): boolean {
    return this.#stdout.isTTY === true;
  }

  /** Standard error is a terminal. */
  get errIsTerminal(): boolean {
    return this.#stderr.isTTY === true;
  }

  /** Colours may go to standard output. */
  get outColors(): boolean {
    return this.outIsTerminal && !this.#noColor;
  }

  /** Colours may go to standard error. */
  get errColors(): boolean {
    return this.errIsTerminal && !this.#noColor;
  }

  /** Columns of the terminal, now; undefined where standard output is none: then nothing is cut. */
  get columns(): number | undefined {
    return this.size?.columns;
  }

  /** The size of the terminal, now; undefined where standard output is none. */
  get size(): ScreenSize | undefined {
    if (!this.outIsTerminal) return undefined;
    const { rows, columns } = this.#stdout;
    return { rows: rows || sizeDefault.rows, columns: columns || sizeDefault.columns };
  }

  /** Calls `listener` whenever the terminal has another size. Dispose of the result to stop. */
  onResize(listener: () => void): Disposable {
    this.#stdout.on?.('resize', listener);
    return { [Symbol.dispose]: () => void this.#stdout.off('resize', listener) };
  }
}

function drained(sink: Sink): Promise<void> | undefined {
  if (!sink.writableNeedDrain || sink.destroyed) return undefined;
  return new Promise((resolve) => {
    const ready = () => {
      sink.off('drain', ready);
      sink.off('close', ready);
      resolve();
    };
    sink.once('drain', ready);
    sink.once('close', ready);
  });
}
