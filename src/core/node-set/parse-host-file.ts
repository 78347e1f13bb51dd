/**
 * Reads a file of node names: a node set on each line, usually one name. Empty lines and what follows a `#` are left out.
 * The lines together are one target: the nodes of any of them.
 */
import { ExpressionError } from '#core/expression/expression-error.ts';
import type { NodeSetExpression } from './node-set-expression.ts';
import { hostFileTextMax } from './node-set-limits.ts';
import { parseNodeSet } from './parse-node-set.ts';

/**
 * The sets of the lines that have one, in their order; possibly none.
 * @param place what the file is called in messages
 * @throws ExpressionError of the first malformed line, which it names; `limit` for more than 8 Mi characters
 */
export function parseHostFile(text: string, place: string): NodeSetExpression[] {
  if (text.length > hostFileTextMax) {
    const problem = `begins a file of more than ${hostFileTextMax} characters`;
    throw new ExpressionError('node set', 'limit', text.slice(0, 100), 0, problem).within(place);
  }
  return text.split('\n').flatMap((line, index) => {
    const set = line.replace(/#.*$/, '').trimEnd();
    return set.trim() === '' ? [] : [parseLine(set, `${place}, line ${index + 1}`)];
  });
}

function parseLine(set: string, place: string): NodeSetExpression {
  try {
    return parseNodeSet(set);
  } catch (error) {
    throw error instanceof ExpressionError ? error.within(place) : error;
  }
}
