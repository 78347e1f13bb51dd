/** Looks up what only the cluster knows for a completion: names of nodes, labels, tasks, tokens. */
import type { CallOptions } from '@connectrpc/connect';
import type { Connection } from '#cli/connect-cluster.ts';
import { reasonOf } from '#cli/failure.ts';
import { parseNodePath } from '#cli/files/node-path.ts';
import { showCommand } from '#cli/task-columns.ts';
import { grantableVerbs, verbName } from '#core/access/verbs.ts';
import { nodeStateWord } from '#core/liveness.ts';
import { compareNames } from '#core/node-set/compare-names.ts';
import { literalNodeName } from '#core/node-set/expand-node-set.ts';
import { parseNodeSet } from '#core/node-set/parse-node-set.ts';
import { activeStates, stateWord } from '#core/task-state.ts';
import { FileKind } from '#protocol/gen/drover/v1/file_pb.ts';
import type { Node } from '#protocol/gen/drover/v1/node_pb.ts';
import type { Candidate, ValueQuery } from './plan-completion.ts';

/** Tasks that are looked at, newest first: older ones are looked up by other means. */
const tasksMax = 200;

/** Commands that only a task which has not ended makes sense for. */
const activeOnly: ReadonlySet<string> = new Set(['attach', 'kill', 'stop', 'wait']);

type Services = Pick<
  Connection,
  'nodes' | 'tasks' | 'joinTokens' | 'files' | 'users' | 'roles' | 'userTokens'
>;

/**
 * What begins with the stem, with what stands in front of it in the word.
 *
 * @throws what the API throws; none where it matches nothing.
 */
export async function completeValues(
  connection: Services,
  query: ValueQuery,
  call: CallOptions,
): Promise<Candidate[]> {
  const found = await lookUp[query.of](connection, query, call);
  return found
    .filter(({ text }) => text.startsWith(query.stem))
    .map(({ text, help }) => ({ text: query.before + text, help }));
}

type LookUp = (connection: Services, query: ValueQuery, call: CallOptions) => Promise<Candidate[]>;

const lookUp: Readonly<Record<ValueQuery['of'], LookUp>> = {
  'node set': async (connection, query, call) => {
    if (!query.stem.startsWith('@')) return nodeNames(connection, query, call);
    const labels = labelsOf(await listNodes(connection, '', call));
    return [{ text: '@all', help: 'every node' }, ...labels.map((one) => ({ ...one, text: `@${one.text}` }))];
  },
  node: nodeNames,
  'label selector': async (connection, _, call) => labelsOf(await listNodes(connection, '', call)),
  place: filesOfNode,
  task: taskReferences,
  'join token': async ({ joinTokens }, _, call) => {
    const { tokens } = await joinTokens.listJoinTokens({}, call);
    return tokens.map(({ id, names }) => ({ text: id, help: names }));
  },
  user: async ({ users }, _, call) => {
    const list = await users.listUsers({}, call);
    return list.users.map(({ name, roles }) => ({ text: name, help: roles.join(', ') }));
  },
  role: async ({ roles }, _, call) => {
    const list = await roles.listRoles({}, call);
    return list.roles.map(({ name, description }) => ({ text: name, help: description }));
  },
  verb: async () => grantableVerbs.map((verb) => ({ text: verbName(verb), help: '' })),
  'user token': async ({ userTokens }, _, call) => {
    const { tokens } = await userTokens.listUserTokens({}, call);
    return tokens.map(({ id, description }) => ({ text: id, help: description }));
  },
};

async function nodeNames(
  connection: Services,
  { stem }: ValueQuery,
  call: CallOptions,
): Promise<Candidate[]> {
  // What is no beginning of a name, such as a range, has nothing that could follow it.
  if (!/^[A-Za-z0-9._-]*$/.test(stem)) return [];
  const nodes = await listNodes(connection, stem === '' ? '' : `${stem}*`, call);
  return nodes.map(({ name, state }) => ({ text: name, help: nodeStateWord(state) }));
}

async function listNodes({ nodes }: Services, set: string, call: CallOptions): Promise<Node[]> {
  try {
    return (await nodes.listNodes({ nodes: set }, call)).nodes;
  } catch (error) {
    if (reasonOf(error) === 'NO_NODE_MATCHED') return [];
    throw error;
  }
}

/** Every key, and every key with each of its values. */
function labelsOf(nodes: readonly Node[]): Candidate[] {
  const counts = new Map<string, number>();
  const count = (text: string) => counts.set(text, (counts.get(text) ?? 0) + 1);
  for (const { labels } of nodes) {
    for (const [key, value] of Object.entries(labels)) {
      count(key);
      if (value !== '') count(`${key}=${value}`);
    }
  }
  return [...counts]
    .sort(([a], [b]) => compareNames(a, b))
    .map(([text, nodes]) => ({ text, help: nodes === 1 ? '1 node' : `${nodes} nodes` }));
}

async function taskReferences(
  { tasks }: Services,
  { command, stem }: ValueQuery,
  call: CallOptions,
): Promise<Candidate[]> {
  const states = activeOnly.has(command) ? [...activeStates] : [];
  const found = (await tasks.listTasks({ query: { states }, pageSize: tasksMax }, call)).tasks;
  const runs = stem === '' ? [] : Map.groupBy(found, ({ runId }) => runId);
  return [
    ...found.map((task) => ({
      text: task.id,
      help: `${task.node} ${stateWord(task.state)} ${showCommand(task.spec)}`,
    })),
    ...[...runs].map(([id, of]) => ({ text: id, help: `run of ${of.length} ${showCommand(of[0]?.spec)}` })),
  ];
}

/** What is in the directory that stands in front of the stem, where it is on one plain node. */
async function filesOfNode(
  { files }: Services,
  { before }: ValueQuery,
  call: CallOptions,
): Promise<Candidate[]> {
  const place = parseNodePath(before);
  if (!place || literalNodeName(parseNodeSet(place.nodes)) === undefined) return [];
  const list = { paths: [place.path], contents: true };
  const found: Candidate[] = [];
  for await (const { kind } of files.listFiles({ target: { nodes: place.nodes }, list }, call)) {
    const answer = kind.case === 'answer' ? kind.value.answer?.kind : undefined;
    if (answer?.case !== 'entry') continue;
    const { path, kind: what } = answer.value;
    const isDirectory = what === FileKind.DIRECTORY;
    found.push({ text: `${path.split('/').at(-1)}${isDirectory ? '/' : ''}`, help: '' });
  }
  return found;
}
