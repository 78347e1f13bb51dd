/**
 * Reads what stands inside brackets: `1-100,120`, `08-11`, `0-6/2`.
 *
 * Padding is ClusterShell's: the width of the first bound, when that has zeros in front (`08-11` is 08, 09, 10, 11;
 * `01-100` ends in 99, 100). A last bound with zeros in front must be as wide as the first: what `8-011` or
 * `08-011` should mean is anyone's guess, so they are errors. Each range has its own padding: `[1,01]` is two numbers.
 */
import { ExpressionError } from '#core/expression/expression-error.ts';
import {
  isAtEnd,
  peekCharacter,
  skipSpaces,
  type TextCursor,
  takeCharacter,
  takePattern,
  unexpectedHere,
} from '#core/expression/text-cursor.ts';
import { numberDigitsMax } from './node-set-limits.ts';
import { isPadded, type NumberRange } from './number-range.ts';

/**
 * Reads ranges and the closing bracket; the opening one is already taken. White space may surround each range.
 * @throws ExpressionError `syntax`, or `limit` for a number of more than 15 digits
 */
export function parseNumberRanges(cursor: TextCursor): readonly NumberRange[] {
  const ranges: NumberRange[] = [];
  do {
    skipSpaces(cursor);
    ranges.push(parseNumberRange(cursor));
    skipSpaces(cursor);
  } while (takeCharacter(cursor, ','));
  if (!takeCharacter(cursor, ']')) {
    throw unexpectedHere(cursor, 'inside brackets');
  }
  return ranges;
}

function parseNumberRange(cursor: TextCursor): NumberRange {
  const start = cursor.position;
  const first = takeDigits(cursor);
  const hasLast = takeCharacter(cursor, '-');
  const last = hasLast ? takeDigits(cursor) : first;
  const step = hasLast && takeCharacter(cursor, '/') ? takeDigits(cursor) : '1';
  const problem = explainRange(first, last, step);
  if (problem !== undefined) {
    throw new ExpressionError('node set', 'syntax', cursor.text, start, problem);
  }
  return {
    first: Number(first),
    last: Number(last),
    step: Number(step),
    width: isPadded(first) ? first.length : 0,
  };
}

/** Why this is no range, or `undefined` when it is one. */
function explainRange(first: string, last: string, step: string): string | undefined {
  if (Number(last) < Number(first)) {
    return 'has a range that runs backwards';
  }
  if (isPadded(last) && last.length !== first.length) {
    return 'has a range whose ends are padded differently';
  }
  if (Number(step) === 0) {
    return 'has a range with a step of 0';
  }
  return undefined;
}

function takeDigits(cursor: TextCursor): string {
  const start = cursor.position;
  const digits = takePattern(cursor, /[0-9]*/y);
  if (digits === '') {
    throw missingNumber(cursor);
  }
  if (digits.length > numberDigitsMax) {
    throw new ExpressionError(
      'node set',
      'limit',
      cursor.text,
      start,
      `has a number of more than ${numberDigitsMax} digits inside brackets`,
    );
  }
  return digits;
}

function missingNumber(cursor: TextCursor): ExpressionError {
  if (isAtEnd(cursor)) {
    return unexpectedHere(cursor, 'inside brackets');
  }
  const where = ',]'.includes(peekCharacter(cursor)) ? 'where a number is expected' : 'inside brackets';
  return unexpectedHere(cursor, where);
}
