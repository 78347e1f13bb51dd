/**
 * Answers which nodes a node set means, and which of the names it spells out are no node.
 */
import { type Labels, labelValue } from '#core/label.ts';
import { compareNames } from './compare-names.ts';
import { evaluateNodeSet } from './evaluate-node-set.ts';
import { createNameMatcher } from './name-matcher.ts';
import type { NodeSetExpression, NodeSetTerm } from './node-set-expression.ts';
import { writeNames } from './write-names.ts';

/** What is needed to know of a node. */
export interface NodeSetMember {
  readonly name: string;
  readonly labels: Labels;
}

/** Both in natural order, each name once, none in both. */
export interface ResolvedNodeSet {
  /** Nodes that exist. */
  readonly names: string[];
  /** Names that the set spells out and selects, and that no node has. */
  readonly unknown: string[];
}

/**
 * Resolves a node set among nodes. The operators work on names, whether a node has them or not, and only what is
 * left at the end is looked up: in `a[1-3]!a2` nobody asks for a2, so it is never `unknown`; in `a[1-3]&a*` a
 * missing a3 is not either, because the glob selects only what exists. Both results may be empty.
 * @param universe every node that may be named, in any order; read once
 */
export function resolveNodeSet(
  expression: NodeSetExpression,
  universe: Iterable<NodeSetMember>,
): ResolvedNodeSet {
  const nodes = [...universe];
  const selected = [...evaluateNodeSet(expression, ({ term }) => selectNames(term, nodes))].sort(
    compareNames,
  );
  const existing = new Set(nodes.map((node) => node.name));
  return {
    names: selected.filter((name) => existing.has(name)),
    unknown: selected.filter((name) => !existing.has(name)),
  };
}

function selectNames(term: NodeSetTerm, nodes: readonly NodeSetMember[]): string[] {
  if (term.kind === 'names') {
    return writeNames(term.segments);
  }
  return nodes.filter(createSelector(term)).map((node) => node.name);
}

function createSelector(term: Exclude<NodeSetTerm, { kind: 'names' }>): (node: NodeSetMember) => boolean {
  switch (term.kind) {
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
