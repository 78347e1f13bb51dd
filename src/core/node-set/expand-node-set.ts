/**
 * What a node set means on its own text alone, where no nodes are at hand: its names, or its one name.
 */

import { ExpressionError } from '#core/expression/expression-error.ts';
import { compareNames } from './compare-names.ts';
import { evaluateNodeSet } from './evaluate-node-set.ts';
import type { NodeSetExpression, NodeSetOperand } from './node-set-expression.ts';
import { writeNames } from './write-names.ts';

/**
 * The names of a set, in natural order, each once; at most 100,000, possibly none.
 * @throws ExpressionError `needs-nodes` if any operand is a glob, a label or `@all`
 */
export function expandNodeSet(expression: NodeSetExpression): string[] {
  const names = evaluateNodeSet(expression, (operand) => writeOperand(expression.text, operand));
  return [...names].sort(compareNames);
}

/**
 * The name, if the set is one plain name and nothing else (no brackets, glob, label or operator): then the
 * command line answers with the command's own exit code. `undefined` for every other set, also for `web[1]`.
 */
export function literalNodeName(expression: NodeSetExpression): string | undefined {
  const [operand, ...others] = expression.operands;
  if (others.length > 0 || operand?.term.kind !== 'names') {
    return undefined;
  }
  const [segment, ...rest] = operand.term.segments;
  return rest.length === 0 && segment?.kind === 'text' ? segment.text : undefined;
}

function writeOperand(text: string, { term, position }: NodeSetOperand): string[] {
  switch (term.kind) {
    case 'names':
      return writeNames(term.segments);
    case 'glob':
      throw new ExpressionError(
        'node set',
        'needs-nodes',
        text,
        position,
        'has a glob, which only a cluster can expand,',
      );
    case 'label':
    case 'all':
      throw new ExpressionError(
        'node set',
        'needs-nodes',
        text,
        position,
        'has a label, which only a cluster can expand,',
      );
  }
}
