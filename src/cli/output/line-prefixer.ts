/**
 * Turns one stream of bytes into whole lines with a prefix, so that lines of many nodes never mix. Bytes are decoded as
 * UTF-8 across chunks, and terminal control is taken out. A line that never ends is broken at a limit.
 */
import { stripControl } from './strip-control.ts';

/** Characters of a line that are held back at the most, waiting for its end. */
export const lineCharactersMax = 64 << 10;

/** How lines are made. */
export interface LinePrefixerOptions {
  /** Applied to each line before its prefix is put in front, for colours. */
  readonly decorate?: (line: string) => string;
  /** Which lines are given, judged without prefix; default all. */
  readonly keeps?: (line: string) => boolean;
}

/** Makes lines of one output of one task. */
export class LinePrefixer {
  readonly #prefix: string;
  readonly #options: LinePrefixerOptions;
  readonly #decoder = new TextDecoder();
  #held = '';
  #stamp = '';

  constructor(prefix: string, options: LinePrefixerOptions = {}) {
    this.#prefix = prefix;
    this.#options = options;
  }

  /** Takes bytes; gives the lines that they complete, each with its newline. @param stamp stands in front of the prefix. */
  push(data: Uint8Array, stamp = ''): string {
    this.#stamp = stamp;
    this.#held += this.#decoder.decode(data, { stream: true });
    const end = this.#held.lastIndexOf('\n') + 1;
    const complete = this.#held.slice(0, end);
    this.#held = this.#held.slice(end);
    const lines = this.#lines(complete);
    return this.#held.length < lineCharactersMax ? lines : lines + this.end();
  }

  /** What is held back, completed by a newline; empty where nothing is. May be called again. */
  end(): string {
    const rest = this.#held + this.#decoder.decode();
    this.#held = '';
    return rest === '' ? '' : this.#lines(`${rest}\n`);
  }

  #lines(text: string): string {
    if (text === '') return '';
    const { decorate = (line) => line, keeps } = this.#options;
    const lines = stripControl(text).split('\n');
    lines.pop();
    const kept = keeps ? lines.filter(keeps) : lines;
    const front = `${this.#stamp}${this.#prefix}`;
    return kept.map((line) => `${front}${decorate(line)}\n`).join('');
  }
}
