/**
 * Which names a node set selects, of nodes that exist and of those that do not.
 */
import { type Labels, labelValue } from '#core/label.ts';
import { evaluateNodeSet } from './evaluate-node-set.ts';
import { createNameMatcher } from './name-matcher.ts';
import type { NodeSetExpression, NodeSetTerm } from './node-set-expression.ts';
import { writeNames } from './write-names.ts';

/** What is needed to know of a node. */
export interface NodeSetMember {
  readonly name: string;
  readonly labels: Labels;
}

/**
 * The names that a set selects among nodes, in no particular order; possibly none. The operators work on names, whether a
 * node has them or not: in `a[1-3]!a2` nobody asks for a2; in `a[1-3]&a*` a missing a3 is not selected, because the glob
 * selects only what exists.
 * @param nodes every node that may be named, in any order
 */
export function selectNodeNames(
  expression: NodeSetExpression,
  nodes: readonly NodeSetMember[],
): ReadonlySet<string> {
  return evaluateNodeSet(expression, ({ term }) => namesOf(term, nodes));
}

function namesOf(term: NodeSetTerm, nodes: readonly NodeSetMember[]): string[] {
  if (term.kind === 'names') {
    return writeNames(term.segments);
  }
  return nodes.filter(createTermMatcher(term)).map((node) => node.name);
}

/** Whether a node is one of those that a term stands for. */
export function createTermMatcher(term: NodeSetTerm): (node: NodeSetMember) => boolean {
  switch (term.kind) {
    case 'names':
    case 'glob': {
      const matches = createNameMatcher(term.segments);
      return (node) => matches(node.name);
    }
    case 'label':
      return (node) => hasLabel(labelValue(node.labels, term.key), term.value);
    case 'all':
      return () => true;
  }
}

function hasLabel(value: string | undefined, wanted: string | undefined): boolean {
  return value !== undefined && (wanted === undefined || value === wanted);
}
