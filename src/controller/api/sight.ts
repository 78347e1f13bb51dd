/** Which nodes, and tasks on them, an operator sees: whatever is not seen is not there for them, in lists as by name. */
import { authorize, isAuthorizedEverywhere, type Operator } from '#controller/auth/authorize.ts';
import type { StoreReader } from '#controller/store/store.ts';
import type { NodeSetMember } from '#core/node-set/select-node-names.ts';
import { Verb } from '#protocol/gen/drover/v1/options_pb.ts';
import type { NodeName } from '#protocol/ids.ts';

/** Those of these nodes that the operator may read, or do this to: whoever may do a thing sees what it can be done to. */
export function seenNodes<N extends NodeSetMember>(
  operator: Operator,
  verb: Verb,
  nodes: readonly N[],
): readonly N[] {
  const verbs = [Verb.NODE_READ, verb];
  if (verbs.some((one) => isAuthorizedEverywhere(operator, one))) return nodes;
  return nodes.filter((node) => verbs.some((one) => authorize(operator, one, { node }).allowed));
}

/** Names of the nodes, removed ones too, that these verbs are all allowed on; undefined: on whatever node. */
export async function allowedNodes(
  reader: StoreReader,
  operator: Operator,
  verbs: readonly Verb[],
): Promise<ReadonlySet<NodeName> | undefined> {
  if (verbs.every((verb) => isAuthorizedEverywhere(operator, verb))) return undefined;
  const nodes = await everyNode(reader);
  const allowed = nodes.filter((node) => verbs.every((verb) => authorize(operator, verb, { node }).allowed));
  return new Set(allowed.map(({ name }) => name));
}

/** Every node there is or was; one that was removed has no labels any more. Of nodes with the same name the last one counts. */
export async function everyNode(reader: StoreReader): Promise<readonly NodeSetMember[]> {
  const removed = await reader.listRemovedNodes();
  const nodes = [...removed.map(({ name }) => ({ name, labels: {} })), ...(await reader.listNodes())];
  return [...new Map<string, NodeSetMember>(nodes.map((node) => [node.name, node])).values()];
}
