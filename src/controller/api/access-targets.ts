/** What a call is about, as roles are asked about it: nodes, and on them what is or would be launched, and as whom. */
import type { NodeRecord, StoreReader } from '#controller/store/store.ts';
import { type AccessTarget, defaultUser } from '#core/access/access-rule.ts';
import type { NodeSetMember } from '#core/node-set/select-node-names.ts';
import type { Task, TaskSpec } from '#protocol/gen/drover/v1/task_pb.ts';
import type { NodeName } from '#protocol/ids.ts';

/** So many nodes are looked up one by one. */
const fewNodes = 50;

/** Nodes. */
export function nodeTargets(nodes: readonly Pick<NodeRecord, 'name' | 'labels'>[]): AccessTarget[] {
  return nodes.map((node) => ({ node }));
}

/** A launch on nodes. */
export function launchTargets(
  nodes: readonly Pick<NodeRecord, 'name' | 'labels'>[],
  spec: TaskSpec,
): AccessTarget[] {
  const launch = launchOf(spec);
  return nodes.map((node) => ({ node, ...launch }));
}

/** Tasks, with the labels that their nodes have now. */
export async function taskTargets(reader: StoreReader, tasks: readonly Task[]): Promise<AccessTarget[]> {
  const nodes = await nodesByName(reader, new Set(tasks.map(({ node }) => node)));
  return tasks.map(({ node: name, spec }) => ({
    node: nodes.get(name) ?? { name, labels: {} },
    ...(spec ? launchOf(spec) : {}),
  }));
}

/** Nodes by their names, of whatever is there where there are none. */
export async function namedTargets(
  reader: StoreReader,
  names: readonly NodeName[] | undefined,
): Promise<AccessTarget[]> {
  return names ? nodeTargets([...(await nodesByName(reader, new Set(names))).values()]) : [{}];
}

/** A node that was removed has no labels any more. */
async function nodesByName(
  reader: StoreReader,
  names: ReadonlySet<NodeName>,
): Promise<ReadonlyMap<NodeName, NodeSetMember>> {
  const found =
    names.size <= fewNodes
      ? await Promise.all([...names].map((name) => reader.findNode(name)))
      : await reader.listNodes();
  const nodes = new Map<NodeName, NodeSetMember>([...names].map((name) => [name, { name, labels: {} }]));
  for (const node of found) if (node && names.has(node.name)) nodes.set(node.name, node);
  return nodes;
}

function launchOf({ user, argv, shell, env }: TaskSpec): Omit<AccessTarget, 'node'> {
  return { runAs: user || defaultUser, command: { argv, shell, ownPath: Object.hasOwn(env, 'PATH') } };
}
