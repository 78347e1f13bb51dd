/**
 * What is wrong with an expression that somebody wrote (a node set, a label selector), and where: the one error of their
 * parsers, and how a terminal shows it.
 */

/** What the text was meant to be, as messages name it. */
export type ExpressionLanguage = 'node set' | 'label selector';

/**
 * - `empty`: nothing but white space.
 * - `syntax`: the text is not in the grammar.
 * - `limit`: in the grammar, but over a limit of its language.
 * - `needs-nodes`: a glob, label or `@all` where there are no nodes to look at.
 */
export type ExpressionErrorKind = 'empty' | 'syntax' | 'limit' | 'needs-nodes';

/** Columns of the text that a message quotes. */
const messageColumns = 60;

/** Columns of the text that the pointer shows: with an indentation of two it fits a terminal of 80. */
const pointerColumns = 78;

/** An expression that cannot be used as it stands. Never retryable: only another text helps. */
export class ExpressionError extends Error {
  override readonly name = 'ExpressionError';
  readonly kind: ExpressionErrorKind;
  /** The whole text as given. */
  readonly text: string;
  /** Offset in `text` of the character at fault, from 0; the text's length when it ends too early. Messages count from 1. */
  readonly position: number;

  /**
   * @param problem continues `node set "…"`, for example `ends inside brackets`. Printable ASCII.
   */
  constructor(
    language: ExpressionLanguage,
    kind: ExpressionErrorKind,
    text: string,
    position: number,
    problem: string,
  ) {
    super(
      kind === 'empty'
        ? `${language} is empty`
        : `${language} "${excerpt(text, position, messageColumns).text}" ${problem} at character ${position + 1}`,
    );
    this.kind = kind;
    this.text = text;
    this.position = position;
  }

  /** Says in front of the message where the text stands, such as `hosts, line 3`. @returns this error */
  within(place: string): this {
    this.message = `${place}: ${this.message}`;
    return this;
  }
}

/**
 * Two lines without a final newline: the text, and a caret under the character at fault.
 * At most 78 columns, cut with `…` around that character. Safe to print: anything but printable ASCII is a `?`.
 */
export function renderPointer(error: ExpressionError): string {
  const shown = excerpt(error.text, error.position, pointerColumns);
  return `${shown.text}\n${' '.repeat(shown.position)}^`;
}

/** A character for a message: itself in quotes, or its code point when it is not printable ASCII. */
export function describeCharacter(text: string, position: number): string {
  const code = text.codePointAt(position) ?? 0;
  if (code >= 0x20 && code <= 0x7e) {
    return `"${String.fromCodePoint(code)}"`;
  }
  return `U+${code.toString(16).toUpperCase().padStart(4, '0')}`;
}

/** At most `columns` characters of the text with `position` among them, or just after the last. */
function excerpt(text: string, position: number, columns: number): { text: string; position: number } {
  if (text.length <= columns) {
    return { text: printable(text), position };
  }
  const start = Math.max(0, Math.min(position - Math.floor(columns / 2), text.length - columns));
  const end = start + columns;
  const before = start > 0 ? '…' : '';
  const after = end < text.length ? '…' : '';
  const middle = printable(text.slice(start + before.length, end - after.length));
  return { text: `${before}${middle}${after}`, position: position - start };
}

function printable(text: string): string {
  return text.replace(/[^\x20-\x7e]/g, '?');
}
