/**
 * Answers which nodes a target means: node sets, labels and an exclusion together. The one place that says how they combine;
 * whether a name that no node has is an error is the caller's business.
 */
import { ExpressionError } from '#core/expression/expression-error.ts';
import { matchSelector } from '#core/selector/match-selector.ts';
import type { Selector } from '#core/selector/selector.ts';
import { compareNames } from './compare-names.ts';
import type { NodeSetExpression } from './node-set-expression.ts';
import { nodeSetNamesMax } from './node-set-limits.ts';
import { type NodeSetMember, selectNodeNames } from './select-node-names.ts';

/** Which nodes are meant. */
export interface Target {
  /** The nodes of any of these; of none at all: every node. */
  readonly sets: readonly NodeSetExpression[];
  /** Only those of them whose labels match. */
  readonly selector?: Selector | undefined;
  /** Without the nodes of any of these, which wins. */
  readonly exclude?: readonly NodeSetExpression[];
}

/** All in natural order, each name once, none in two of them but for the excluded. */
export interface ResolvedTarget {
  /** Nodes that exist, have the labels and are not excluded. */
  readonly names: string[];
  /** Names that the sets spell out, that no node has, and that are not excluded. They have no labels to go by. */
  readonly unknown: string[];
  /** Names that the exclusion spells out and no node has. */
  readonly unknownExcluded: string[];
}

/**
 * Resolves a target among nodes. Only what is left of a set in the end is looked up: a name that it takes away itself
 * (`a[1-3]!a2`) is never unknown. All results may be empty.
 * @param universe every node that may be named, in any order
 * @throws ExpressionError `limit` for sets that together have more than 100,000 names
 */
export function resolveTarget(target: Target, universe: readonly NodeSetMember[]): ResolvedTarget {
  const { sets, selector, exclude = [] } = target;
  const labels = new Map(universe.map((node) => [node.name, node.labels]));
  const excluded = unite(exclude, universe);
  const selected = sets.length === 0 ? [...labels.keys()] : [...unite(sets, universe)];
  const left = selected.filter((name) => !excluded.has(name)).sort(compareNames);
  const matches = (name: string) => {
    const ofNode = labels.get(name);
    return ofNode !== undefined && (selector === undefined || matchSelector(selector, ofNode));
  };
  return {
    names: left.filter(matches),
    unknown: left.filter((name) => !labels.has(name)),
    unknownExcluded: [...excluded].filter((name) => !labels.has(name)).sort(compareNames),
  };
}

/** Whether anything of the target can be told only by looking at nodes. */
export function needsNodes({ sets, selector, exclude = [] }: Target): boolean {
  return (
    sets.length === 0 ||
    selector !== undefined ||
    [...sets, ...exclude].some(({ operands }) => operands.some(({ term }) => term.kind !== 'names'))
  );
}

function unite(sets: readonly NodeSetExpression[], universe: readonly NodeSetMember[]): ReadonlySet<string> {
  const union = new Set<string>();
  for (const set of sets) {
    for (const name of selectNodeNames(set, universe)) union.add(name);
    if (union.size > nodeSetNamesMax) {
      const problem = `brings the sets together to more than ${nodeSetNamesMax} names`;
      throw new ExpressionError('node set', 'limit', set.text, 0, problem);
    }
  }
  return union;
}
