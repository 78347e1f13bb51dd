/** Uses a node set as a question that is asked of one node at a time, with its labels: which nodes a rule is about. */
import type { NodeSetExpression, NodeSetOperator } from './node-set-expression.ts';
import { createTermMatcher, type NodeSetMember } from './select-node-names.ts';

/** How an operator joins whether a node is left of it and whether it is right of it. */
export const joinMembership: Readonly<Record<NodeSetOperator, (left: boolean, right: boolean) => boolean>> = {
  union: (left, right) => left || right,
  difference: (left, right) => left && !right,
  intersection: (left, right) => left && right,
  'symmetric-difference': (left, right) => left !== right,
};

/** Prepares a set once, for many nodes. A name that is spelt out is the node that has it, when there is one. */
export function createNodeSetMatcher(expression: NodeSetExpression): (node: NodeSetMember) => boolean {
  const operands = expression.operands.map(({ operator, term }) => ({
    join: joinMembership[operator],
    matches: createTermMatcher(term),
  }));
  return (node) => operands.reduce((isIn, { join, matches }) => join(isIn, matches(node)), false);
}
