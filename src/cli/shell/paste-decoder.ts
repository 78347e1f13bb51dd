/**
 * Tells what was pasted from what was typed, by the marks of a terminal that makes them (bracketed paste): a tab in a paste
 * is a space and asks for no completion, and its control characters do nothing.
 *
 * @see https://invisible-island.net/xterm/xterm-paste64.html
 */

/** Asks the terminal for the marks, and not to make them any more. */
export const pasteMarks = { on: '\u001b[?2004h', off: '\u001b[?2004l' } as const;

const begin = '\u001b[200~';
const end = '\u001b[201~';

/** Longest paste, characters: what comes after it counts as typed. */
export const pasteMax = 1_048_576;

/** Control characters but tab and the ends of lines. */
const controls = new RegExp(
  `[${['\\u0000-\\u0008', '\\u000b\\u000c', '\\u000e-\\u001f', '\\u007f'].join('')}]`,
  'g',
);

/** Reads a terminal's text in the pieces in which it comes; a paste comes out whole. */
export class PasteDecoder {
  #pasted: string | undefined;
  /** The beginning of a mark, of which the rest may follow. */
  #held = '';

  /** What came, with every line of a paste ended as by Enter. */
  push(piece: string): string {
    let text = this.#held + piece;
    this.#held = '';
    let read = '';
    for (;;) {
      const mark = this.#pasted === undefined ? begin : end;
      const at = text.indexOf(mark);
      if (at === -1) break;
      read += this.#take(text.slice(0, at));
      text = text.slice(at + mark.length);
      if (this.#pasted === undefined) this.#pasted = '';
      else read += this.#finish();
    }
    const held = this.#beginningOfMark(text);
    this.#held = text.slice(text.length - held);
    read += this.#take(text.slice(0, text.length - held));
    if (this.#pasted !== undefined && this.#pasted.length > pasteMax) read += this.#finish();
    return read;
  }

  /** Typed text goes on; pasted text waits for the rest of it. */
  #take(text: string): string {
    if (this.#pasted === undefined) return text;
    this.#pasted += text;
    return '';
  }

  #finish(): string {
    const pasted = this.#pasted ?? '';
    this.#pasted = undefined;
    return pasted
      .replace(/\r\n?|\n/g, '\r')
      .replaceAll('\t', ' ')
      .replace(controls, '');
  }

  /** Characters at the end of `text` that may begin a mark. A lone escape is somebody's key, and does not wait. */
  #beginningOfMark(text: string): number {
    const mark = this.#pasted === undefined ? begin : end;
    const shortest = this.#pasted === undefined ? 3 : 1;
    for (let length = Math.min(mark.length - 1, text.length); length >= shortest; length--) {
      if (text.endsWith(mark.slice(0, length))) return length;
    }
    return 0;
  }
}
