/** From what somebody wrote to nodes of this cluster, or to the refusal that says what is wrong with it. */
import type { Operator } from '#controller/auth/authorize.ts';
import type { NodeRecord, StoreReader } from '#controller/store/store.ts';
import { ExpressionError } from '#core/expression/expression-error.ts';
import { compareNames } from '#core/node-set/compare-names.ts';
import { foldNodeNames } from '#core/node-set/fold-node-names.ts';
import { parseNodeSet } from '#core/node-set/parse-node-set.ts';
import { resolveTarget, type Target } from '#core/node-set/resolve-target.ts';
import type { NodeSetMember } from '#core/node-set/select-node-names.ts';
import { parseSelector } from '#core/selector/parse-selector.ts';
import { RefusedError } from '#protocol/errors.ts';
import type { Verb } from '#protocol/gen/drover/v1/options_pb.ts';
import type { NodeName } from '#protocol/ids.ts';
import { everyNode, seenNodes } from './sight.ts';

/** Which nodes are meant, as requests write it. An empty text is no condition. */
export interface NodeTarget {
  /** A node set; where it is empty, the selector chooses among all. */
  readonly nodes: string;
  /** A label selector: only those of the nodes that match. */
  readonly selector?: string;
  /** A node set that is taken away, and wins. */
  readonly exclude?: string;
}

/** It says nothing: neither a node set nor a selector. */
export function isOpen({ nodes, selector = '' }: NodeTarget): boolean {
  return nodes === '' && selector === '';
}

/** Whose eyes a target is resolved with: a node that they do not see is not there. */
export interface Viewer {
  readonly operator: Operator;
  /** What is to be done to the nodes. */
  readonly verb: Verb;
}

/**
 * The nodes of a target in natural order, never none. Whether the verb is allowed on each of them is asked afterwards.
 *
 * @throws RefusedError INVALID for a malformed set or selector and for a target that says nothing, NO_SUCH_NODE for names
 *   that a set spells out and no node has, NO_NODE_MATCHED when nothing is left.
 */
export async function resolveNodes(
  reader: StoreReader,
  viewer: Viewer,
  target: NodeTarget,
): Promise<readonly NodeRecord[]> {
  if (isOpen(target))
    throw new RefusedError('INVALID', 'no nodes are named: an empty target never means all');
  const records = seenNodes(viewer.operator, viewer.verb, await reader.listNodes());
  const byName = new Map(records.map((record) => [record.name as string, record]));
  return selectNames(records, target).flatMap((name) => byName.get(name) ?? []);
}

function selectNames(members: readonly NodeSetMember[], target: NodeTarget): string[] {
  const { names, unknown, unknownExcluded } = resolveTarget(readTarget(target), members);
  for (const absent of [unknown, unknownExcluded]) {
    if (absent.length === 0) continue;
    throw new RefusedError('NO_SUCH_NODE', `no such node: ${foldNodeNames(absent)}`, absent);
  }
  if (names.length === 0) {
    const { nodes, selector = '' } = target;
    const subjects = [nodes, selector].filter((text) => text !== '');
    throw new RefusedError('NO_NODE_MATCHED', `no node matches ${describeTarget(target)}`, subjects);
  }
  return names;
}

/**
 * The names of a target where nodes that were removed count too; they have no labels any more.
 *
 * @throws as resolveNodes.
 */
export async function resolveNodeNames(
  reader: StoreReader,
  { operator, verb }: Viewer,
  target: NodeTarget,
): Promise<readonly NodeName[]> {
  return selectNames(seenNodes(operator, verb, await everyNode(reader)), target);
}

/** As resolveNodes, where a target that says nothing means every node that is seen, and there may be none. */
export async function resolveNodesOrAll(
  reader: StoreReader,
  viewer: Viewer,
  target: NodeTarget,
): Promise<readonly NodeRecord[]> {
  if (!isOpen(target)) return resolveNodes(reader, viewer, target);
  const seen = seenNodes(viewer.operator, viewer.verb, await reader.listNodes());
  return seen.toSorted((a, b) => compareNames(a.name, b.name));
}

function readTarget({ nodes, selector = '', exclude = '' }: NodeTarget): Target {
  try {
    return {
      sets: nodes === '' ? [] : [parseNodeSet(nodes)],
      selector: selector === '' ? undefined : parseSelector(selector),
      exclude: exclude === '' ? [] : [parseNodeSet(exclude)],
    };
  } catch (cause) {
    if (cause instanceof ExpressionError) throw new RefusedError('INVALID', cause.message, [], { cause });
    throw cause;
  }
}

/** `"web*" and the labels "zone=a" without "web1"`. */
function describeTarget({ nodes, selector = '', exclude = '' }: NodeTarget): string {
  const set = nodes === '' ? [] : [JSON.stringify(nodes)];
  const labels = selector === '' ? [] : [`the labels ${JSON.stringify(selector)}`];
  const without = exclude === '' ? '' : ` without ${JSON.stringify(exclude)}`;
  return `${[...set, ...labels].join(' and ')}${without}`;
}
