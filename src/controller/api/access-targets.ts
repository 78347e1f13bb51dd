/** What a call is about, as roles are asked about it: nodes, and on them what is or would be launched, and as whom. */
import type { NodeRecord, StoreReader } from '#controller/store/store.ts';
import { type AccessTarget, defaultUser } from '#core/access/access-rule.ts';
import type { Task, TaskSpec } from '#protocol/gen/drover/v1/task_pb.ts';

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

/** Tasks, with the labels that their nodes have now; a node that was removed has none. */
export async function taskTargets(reader: StoreReader, tasks: readonly Task[]): Promise<AccessTarget[]> {
  const nodes = new Map((await reader.listNodes()).map((node) => [node.name, node]));
  return tasks.map(({ node: name, spec }) => ({
    node: nodes.get(name) ?? { name, labels: {} },
    ...(spec ? launchOf(spec) : {}),
  }));
}

function launchOf({ user, argv, shell, env }: TaskSpec): Omit<AccessTarget, 'node'> {
  return { runAs: user || defaultUser, command: { argv, shell, ownPath: Object.hasOwn(env, 'PATH') } };
}
