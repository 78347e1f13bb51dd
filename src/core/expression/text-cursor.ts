/**
 * A place in the text of an expression that moves forward: what the parsers share.
 */
import { describeCharacter, ExpressionError, type ExpressionLanguage } from './expression-error.ts';

/** `position` is the offset of the next character; the parsers' parts advance it. */
export interface TextCursor {
  /** What the text is meant to be. */
  readonly language: ExpressionLanguage;
  readonly text: string;
  position: number;
}

/** A cursor before the first character. */
export function startCursor(language: ExpressionLanguage, text: string): TextCursor {
  return { language, text, position: 0 };
}

export function isAtEnd(cursor: TextCursor): boolean {
  return cursor.position >= cursor.text.length;
}

/** The next character, which stays; the empty string at the end. */
export function peekCharacter(cursor: TextCursor): string {
  return cursor.text.charAt(cursor.position);
}

/** Takes the next character if it is this one. */
export function takeCharacter(cursor: TextCursor, character: string): boolean {
  if (peekCharacter(cursor) !== character) {
    return false;
  }
  cursor.position += 1;
  return true;
}

/**
 * Takes what the pattern matches here; the empty string when it matches nothing.
 * @param pattern sticky (flag `y`), so that it cannot skip anything
 */
export function takePattern(cursor: TextCursor, pattern: RegExp): string {
  pattern.lastIndex = cursor.position;
  const taken = pattern.exec(cursor.text)?.[0] ?? '';
  cursor.position += taken.length;
  return taken;
}

/** Spaces, tabs and line ends. */
export function skipSpaces(cursor: TextCursor): void {
  takePattern(cursor, /[ \t\r\n]*/y);
}

/** The error for what stands here: `ends where …` or `has "x" where …`. Returned, so that the caller throws it. */
export function unexpectedHere(cursor: TextCursor, where: string): ExpressionError {
  const found = isAtEnd(cursor) ? 'ends' : `has ${describeCharacter(cursor.text, cursor.position)}`;
  return new ExpressionError(cursor.language, 'syntax', cursor.text, cursor.position, `${found} ${where}`);
}

/**
 * A cursor before the first character of a text that is worth looking at.
 * @throws ExpressionError `empty` for white space only, `limit` above `charactersMax`
 */
export function openText(language: ExpressionLanguage, text: string, charactersMax: number): TextCursor {
  if (text.length > charactersMax) {
    const problem = `is longer than ${charactersMax} characters`;
    throw new ExpressionError(language, 'limit', text, charactersMax, problem);
  }
  if (/^[ \t\r\n]*$/.test(text)) {
    throw new ExpressionError(language, 'empty', text, 0, 'is empty');
  }
  return startCursor(language, text);
}
