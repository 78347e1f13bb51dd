/**
 * Uses a node set as a pattern for names: which names a join token may give. The nodes need not exist yet.
 */

import { ExpressionError } from '#core/expression/expression-error.ts';
import { createNameMatcher } from './name-matcher.ts';
import type { NodeSetExpression, NodeSetOperand } from './node-set-expression.ts';
import { joinMembership } from './node-set-matcher.ts';

/**
 * Whether the set has this name. Globs match any name, not only existing nodes; `@all` matches every name.
 * Case matters.
 * @throws ExpressionError `needs-nodes` if any operand is a label: check a pattern once with any name when it is made
 */
export function nodeSetMatches(expression: NodeSetExpression, name: string): boolean {
  return expression.operands.reduce(
    (matches, operand) =>
      joinMembership[operand.operator](matches, operandMatches(expression.text, operand, name)),
    false,
  );
}

function operandMatches(text: string, { term, position }: NodeSetOperand, name: string): boolean {
  switch (term.kind) {
    case 'names':
    case 'glob':
      return createNameMatcher(term.segments)(name);
    case 'all':
      return true;
    case 'label':
      throw new ExpressionError(
        'node set',
        'needs-nodes',
        text,
        position,
        'has a label, which a name alone does not have,',
      );
  }
}
