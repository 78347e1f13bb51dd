/**
 * Reads a node set. ClusterShell's grammar and meaning, without its groups' sources:
 *
 *     set      = term { operator term }         evaluated strictly from left to right
 *     operator = ","  union        "!"  difference
 *              | "&"  intersection "^"  symmetric difference (in one of both)
 *     term     = name | "@all" | "@" key | "@" key "=" value
 *     name     = { text | "[" range { "," range } "]" | "*" | "?" }
 *     range    = number [ "-" number [ "/" step ] ]
 *
 * White space may surround operators, the commas in brackets, and the whole; it never separates names.
 * The characters of names and labels: parse-term.ts. Padding: parse-number-ranges.ts. Limits: node-set-limits.ts.
 * Pure text: whether a node exists is the question of resolve-target.ts.
 *
 * @see https://clustershell.readthedocs.io/en/latest/tools/nodeset.html
 */
import { ExpressionError } from '#core/expression/expression-error.ts';
import {
  isAtEnd,
  openText,
  peekCharacter,
  skipSpaces,
  type TextCursor,
  unexpectedHere,
} from '#core/expression/text-cursor.ts';
import type {
  NodeSetExpression,
  NodeSetOperand,
  NodeSetOperator,
  NodeSetTerm,
} from './node-set-expression.ts';
import { nodeSetNamesMax, nodeSetScansMax, nodeSetTextMax } from './node-set-limits.ts';
import { countNumbers } from './number-range.ts';
import { parseTerm } from './parse-term.ts';

const operators = new Map<string, NodeSetOperator>([
  [',', 'union'],
  ['!', 'difference'],
  ['&', 'intersection'],
  ['^', 'symmetric-difference'],
]);

/**
 * Parses a node set as an operator wrote it.
 * @throws ExpressionError `empty` for white space only, `syntax` outside the grammar, `limit` for more than 64 KiB of
 *   text, 100,000 names written out, 256 pieces of globs and labels, 253 characters in a name, 15 digits in brackets
 */
export function parseNodeSet(text: string): NodeSetExpression {
  const cursor = openText('node set', text, nodeSetTextMax);
  const operands = [parseOperand(cursor, 'union')];
  while (!isAtEnd(cursor)) {
    operands.push(parseOperand(cursor, takeOperator(cursor)));
  }
  checkWork(text, operands);
  return { text, operands };
}

function parseOperand(cursor: TextCursor, operator: NodeSetOperator): NodeSetOperand {
  skipSpaces(cursor);
  const position = cursor.position;
  const term = parseTerm(cursor);
  skipSpaces(cursor);
  return { operator, position, term };
}

function takeOperator(cursor: TextCursor): NodeSetOperator {
  const operator = operators.get(peekCharacter(cursor));
  if (operator === undefined) {
    throw unexpectedHere(cursor, 'where an operator (, ! & ^) is expected');
  }
  cursor.position += 1;
  return operator;
}

/** Refuses at the operand that goes over a limit. Nothing is written out to find it. */
function checkWork(text: string, operands: readonly NodeSetOperand[]): void {
  let names = 0;
  let scans = 0;
  for (const { term, position } of operands) {
    names += countNames(term);
    if (names > nodeSetNamesMax) {
      throw new ExpressionError(
        'node set',
        'limit',
        text,
        position,
        `writes out more than ${nodeSetNamesMax} names`,
      );
    }
    scans += countScans(term);
    if (scans > nodeSetScansMax) {
      throw new ExpressionError(
        'node set',
        'limit',
        text,
        position,
        `has more than ${nodeSetScansMax} pieces of globs and labels`,
      );
    }
  }
}

/** Names that a term writes out; for a glob, the combinations of its ranges. */
function countNames(term: NodeSetTerm): number {
  if (term.kind !== 'names' && term.kind !== 'glob') {
    return 0;
  }
  return term.segments.reduce(
    (count, segment) => count * (segment.kind === 'numbers' ? countNumbers(segment.ranges) : 1),
    1,
  );
}

/** Pieces of a term that are looked for in every node. */
function countScans(term: NodeSetTerm): number {
  if (term.kind === 'names') {
    return 0;
  }
  return term.kind === 'glob' ? term.segments.length : 1;
}
