/**
 * A place in a text that moves forward: what the parser's parts share.
 */
import { describeCharacter, NodeSetError } from './node-set-error.ts';

/** `position` is the offset of the next character; the parser's parts advance it. */
export interface TextCursor {
  readonly text: string;
  position: number;
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
export function unexpectedHere(cursor: TextCursor, where: string): NodeSetError {
  const found = isAtEnd(cursor) ? 'ends' : `has ${describeCharacter(cursor.text, cursor.position)}`;
  return new NodeSetError('syntax', cursor.text, cursor.position, `${found} ${where}`);
}
