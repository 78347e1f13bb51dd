/**
 * Reads a label selector. Kubernetes' grammar and meaning, without its comparisons of numbers:
 *
 *     selector    = requirement { "," requirement }                  all must hold
 *     requirement = key                                              has the label
 *                 | "!" key                                          has it not
 *                 | key ( "=" | "==" | "!=" ) [ value ]
 *                 | key ( "in" | "notin" ) "(" [ value ] { "," [ value ] } ")"
 *
 * A value that is left out is the empty one (`gpu=`). White space may surround everything and must stand between a key
 * and `in` or `notin`, which are otherwise ordinary words. The characters of keys and values: label.ts.
 * An empty selector, which Kubernetes takes for everything, is refused: no target ever means all by silence.
 *
 * @see https://kubernetes.io/docs/concepts/overview/working-with-objects/labels/#label-selectors
 */
import { ExpressionError } from '#core/expression/expression-error.ts';
import {
  isAtEnd,
  openText,
  peekCharacter,
  skipSpaces,
  type TextCursor,
  takeCharacter,
  takePattern,
  unexpectedHere,
} from '#core/expression/text-cursor.ts';
import { labelCharacters, labelTextMax } from '#core/label.ts';
import type { Requirement, RequirementOperator, Selector } from './selector.ts';

/** Longest text, in characters: more than 256 of the longest labels need. */
const selectorTextMax = 32_768;

/** Most requirements and values together: with 10,000 nodes some millions of comparisons at the very worst. */
const selectorTermsMax = 256;

/** Longest first, since `=` begins `==`. */
const comparisons: readonly (readonly [sign: RegExp, operator: RequirementOperator])[] = [
  [/==?/y, 'in'],
  [/!=/y, 'not-in'],
];

const membership: ReadonlyMap<string, RequirementOperator> = new Map([
  ['in', 'in'],
  ['notin', 'not-in'],
]);

/**
 * Parses a label selector as an operator wrote it.
 * @throws ExpressionError `empty` for white space only, `syntax` outside the grammar, `limit` for more than 32 KiB of
 *   text, 256 requirements and values, 63 characters in a key or value
 */
export function parseSelector(text: string): Selector {
  const cursor = openText('label selector', text, selectorTextMax);
  const requirements: Requirement[] = [];
  let terms = 0;
  do {
    skipSpaces(cursor);
    const start = cursor.position;
    const requirement = parseRequirement(cursor);
    requirements.push(requirement);
    terms += 1 + requirement.values.length;
    if (terms > selectorTermsMax) {
      const problem = `has more than ${selectorTermsMax} labels and values`;
      throw new ExpressionError('label selector', 'limit', text, start, problem);
    }
    skipSpaces(cursor);
  } while (takeCharacter(cursor, ','));
  if (!isAtEnd(cursor)) throw unexpectedHere(cursor, 'where a comma or the end is expected');
  return requirements;
}

function parseRequirement(cursor: TextCursor): Requirement {
  const negated = takeCharacter(cursor, '!');
  if (negated) skipSpaces(cursor);
  const key = takeLabelText(cursor);
  if (key === '') throw unexpectedHere(cursor, 'where a label is expected');
  if (negated) return { key, operator: 'absent', values: [] };
  skipSpaces(cursor);
  if (isAtEnd(cursor) || peekCharacter(cursor) === ',') return { key, operator: 'exists', values: [] };
  for (const [sign, operator] of comparisons) {
    if (takePattern(cursor, sign) === '') continue;
    skipSpaces(cursor);
    return { key, operator, values: [takeLabelText(cursor)] };
  }
  return { key, operator: parseMembership(cursor), values: parseValues(cursor) };
}

function parseMembership(cursor: TextCursor): RequirementOperator {
  const start = cursor.position;
  const operator = membership.get(takePattern(cursor, labelCharacters));
  if (operator !== undefined) return operator;
  cursor.position = start;
  throw unexpectedHere(cursor, 'where =, !=, in or notin is expected');
}

function parseValues(cursor: TextCursor): string[] {
  skipSpaces(cursor);
  if (!takeCharacter(cursor, '(')) throw unexpectedHere(cursor, 'where ( is expected');
  const values: string[] = [];
  do {
    skipSpaces(cursor);
    if (values.length === 0 && peekCharacter(cursor) === ')') {
      throw unexpectedHere(cursor, 'where a value is expected');
    }
    values.push(takeLabelText(cursor));
    skipSpaces(cursor);
  } while (takeCharacter(cursor, ','));
  if (!takeCharacter(cursor, ')')) throw unexpectedHere(cursor, 'where , or ) is expected');
  return values;
}

function takeLabelText(cursor: TextCursor): string {
  const start = cursor.position;
  const text = takePattern(cursor, labelCharacters);
  if (text.length > labelTextMax) {
    const problem = `has a label of more than ${labelTextMax} characters`;
    throw new ExpressionError(cursor.language, 'limit', cursor.text, start, problem);
  }
  return text;
}
