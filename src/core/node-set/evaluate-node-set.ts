/**
 * Applies the operators of a node set from left to right, over whatever its terms mean to the caller.
 */
import type { NodeSetExpression, NodeSetOperand, NodeSetOperator } from './node-set-expression.ts';

/** Each changes or replaces `left`, in time proportional to `right` only, so that long chains stay linear. */
const applyOperator: Record<NodeSetOperator, (left: Set<string>, right: Iterable<string>) => Set<string>> = {
  union: addAll,
  difference: removeAll,
  intersection: keepCommon,
  'symmetric-difference': toggleAll,
};

/**
 * The names that the expression selects, in no particular order.
 * @param namesOf the names of one operand's term; may throw, and may repeat a name
 */
export function evaluateNodeSet(
  expression: NodeSetExpression,
  namesOf: (operand: NodeSetOperand) => Iterable<string>,
): Set<string> {
  let selected = new Set<string>();
  for (const operand of expression.operands) {
    selected = applyOperator[operand.operator](selected, namesOf(operand));
  }
  return selected;
}

function addAll(left: Set<string>, right: Iterable<string>): Set<string> {
  for (const name of right) {
    left.add(name);
  }
  return left;
}

function removeAll(left: Set<string>, right: Iterable<string>): Set<string> {
  for (const name of right) {
    left.delete(name);
  }
  return left;
}

function keepCommon(left: Set<string>, right: Iterable<string>): Set<string> {
  const common = new Set<string>();
  for (const name of right) {
    if (left.has(name)) {
      common.add(name);
    }
  }
  return common;
}

function toggleAll(left: Set<string>, right: Iterable<string>): Set<string> {
  for (const name of new Set(right)) {
    if (!left.delete(name)) {
      left.add(name);
    }
  }
  return left;
}
