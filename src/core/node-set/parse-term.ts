/**
 * Reads one operand of a node set: a name with ranges and globs, or a label.
 *
 * A name is made of letters, digits, `.`, `_` and `-`, of either case, and starts with a letter or digit (a node's
 * name is lower case, see the agent; comparing is exact, so `WEB1` names no node). Brackets may stand anywhere and
 * next to each other, also alone (`[1-3]`), and a glob may have ranges (`dc[1-2]*`). There are no character
 * classes: brackets always hold numbers. The characters of labels: label.ts.
 */
import { ExpressionError } from '#core/expression/expression-error.ts';
import {
  peekCharacter,
  type TextCursor,
  takeCharacter,
  takePattern,
  unexpectedHere,
} from '#core/expression/text-cursor.ts';
import { labelCharacters } from '#core/label.ts';
import type { NameSegment, NodeSetTerm } from './node-set-expression.ts';
import { nodeNameLengthMax } from './node-set-limits.ts';
import { longestNumber } from './number-range.ts';
import { parseNumberRanges } from './parse-number-ranges.ts';

/**
 * Reads from the first character of a term to the first that cannot belong to it.
 * @throws ExpressionError `syntax`, or `limit` for a name of more than 253 characters
 */
export function parseTerm(cursor: TextCursor): NodeSetTerm {
  return takeCharacter(cursor, '@') ? parseLabel(cursor) : parseName(cursor);
}

/** `@all=x` is the label `all`; `@all` alone is every node, so that label's mere presence cannot be asked for. */
function parseLabel(cursor: TextCursor): NodeSetTerm {
  const key = takeLabelText(cursor, 'where a label is expected');
  if (takeCharacter(cursor, '=')) {
    return { kind: 'label', key, value: takeLabelText(cursor, 'where the value of a label is expected') };
  }
  return key === 'all' ? { kind: 'all' } : { kind: 'label', key, value: undefined };
}

function takeLabelText(cursor: TextCursor, where: string): string {
  const text = takePattern(cursor, labelCharacters);
  if (text === '') {
    throw unexpectedHere(cursor, where);
  }
  return text;
}

function parseName(cursor: TextCursor): NodeSetTerm {
  const start = cursor.position;
  if (!/[A-Za-z0-9[*?]/.test(peekCharacter(cursor))) {
    throw unexpectedHere(cursor, 'where a node name is expected');
  }
  const segments = takeSegments(cursor);
  if (longestName(segments) > nodeNameLengthMax) {
    const problem = `has a name of more than ${nodeNameLengthMax} characters`;
    throw new ExpressionError('node set', 'limit', cursor.text, start, problem);
  }
  const isGlob = segments.some((segment) => segment.kind === 'any' || segment.kind === 'any-one');
  return { kind: isGlob ? 'glob' : 'names', segments };
}

function takeSegments(cursor: TextCursor): NameSegment[] {
  const segments: NameSegment[] = [];
  for (;;) {
    const segment = takeSegment(cursor);
    if (segment === undefined) {
      return segments;
    }
    segments.push(segment);
  }
}

function takeSegment(cursor: TextCursor): NameSegment | undefined {
  const text = takePattern(cursor, /[A-Za-z0-9._-]*/y);
  if (text !== '') {
    return { kind: 'text', text };
  }
  if (takePattern(cursor, /\*+/y) !== '') {
    return { kind: 'any' };
  }
  if (takeCharacter(cursor, '?')) {
    return { kind: 'any-one' };
  }
  return takeCharacter(cursor, '[') ? { kind: 'numbers', ranges: parseNumberRanges(cursor) } : undefined;
}

/** Characters of the longest name written out; each glob counts as one. */
function longestName(segments: readonly NameSegment[]): number {
  return segments.reduce((length, segment) => length + longestSegment(segment), 0);
}

function longestSegment(segment: NameSegment): number {
  if (segment.kind === 'text') {
    return segment.text.length;
  }
  return segment.kind === 'numbers' ? longestNumber(segment.ranges) : 1;
}
