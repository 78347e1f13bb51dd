/**
 * From a TaskQuery to what the store is asked: references become ids, a node set becomes names. All conditions hold
 * together; only a bare process id is looked up among the selected nodes at once, since there it is unambiguous
 * more often.
 */
import type { Operator } from '#controller/auth/authorize.ts';
import type { StoreReader, TaskFilter } from '#controller/store/store.ts';
import { compareNames } from '#core/node-set/compare-names.ts';
import { stateWord } from '#core/task-state.ts';
import { RefusedError } from '#protocol/errors.ts';
import type { TaskQuery } from '#protocol/gen/drover/v1/api_pb.ts';
import { Verb } from '#protocol/gen/drover/v1/options_pb.ts';
import { type Task, TaskState } from '#protocol/gen/drover/v1/task_pb.ts';
import type { NodeName, RunId, TaskId } from '#protocol/ids.ts';
import { isOpen, resolveNodes, type Viewer } from './resolve-nodes.ts';
import { ambiguous, candidatesMax, resolveRun, runIdsFor } from './resolve-run.ts';
import { allowedNodes } from './sight.ts';
import { parseTaskRef } from './task-ref.ts';

/** A query, resolved. */
export interface ResolvedQuery {
  readonly filter: TaskFilter;
  /** Tasks that were named one by one, by id or process id; what a run brought is not among them. */
  readonly named: ReadonlySet<TaskId>;
}

/** References of one query; more than a person types, and each costs a look-up. */
const refsMax = 1_000;

/**
 * Resolves a query; an absent or empty one selects every task. Tasks on nodes on which the operator may not read tasks are not
 * there, whichever way they are asked for.
 *
 * @throws RefusedError INVALID, NO_SUCH_TASK, AMBIGUOUS_TASK with the candidates, NO_SUCH_NODE, NO_NODE_MATCHED.
 */
export async function resolveQuery(
  reader: StoreReader,
  operator: Operator,
  query: TaskQuery | undefined,
): Promise<ResolvedQuery> {
  const allowed = await allowedNodes(reader, operator, [Verb.TASK_READ]);
  if (!query) return { filter: allowed ? { nodes: [...allowed] } : {}, named: new Set() };
  if (query.refs.length > refsMax) {
    throw new RefusedError('INVALID', `${query.refs.length} tasks are named, at most ${refsMax} are taken`);
  }
  const viewer = { operator, verb: Verb.TASK_READ };
  const wanted = isOpen(query)
    ? undefined
    : (await resolveNodes(reader, viewer, query)).map(({ name }) => name);
  const nodes = within(wanted, allowed);
  const run = query.runId === '' ? undefined : (await resolveRun(reader, operator, query.runId)).run.id;
  const { filter, named } = await resolveRefs(reader, viewer, query.refs, { nodes, allowed });
  return {
    filter: {
      ...filter,
      ...(nodes ? { nodes } : {}),
      ...(run === undefined ? {} : { runIds: intersect([run], filter.runIds) }),
      ...(query.states.length > 0 ? { states: query.states } : {}),
    },
    named,
  };
}

/** @throws RefusedError INVALID where the query selects nothing in particular: an order never means all by silence. */
export function requireConditions(query: TaskQuery | undefined, what: string): TaskQuery {
  const some =
    query && (query.refs.length > 0 || !isOpen(query) || query.runId !== '' || query.states.length > 0);
  if (some) return query;
  throw new RefusedError('INVALID', `no tasks are named to ${what}`);
}

/** The one task that a reference means. @throws RefusedError NO_SUCH_TASK, AMBIGUOUS_TASK */
export async function resolveTask(reader: StoreReader, operator: Operator, ref: string): Promise<Task> {
  const viewer = { operator, verb: Verb.TASK_READ };
  const allowed = await allowedNodes(reader, operator, [Verb.TASK_READ]);
  const place = { nodes: within(undefined, allowed), allowed };
  const { filter } = await resolveRefs(reader, viewer, [ref], place);
  const tasks = await reader.selectTasks(filter);
  const [task] = tasks;
  if (!task) throw noSuchTask(ref);
  if (tasks.length === 1) return task;
  throw ambiguous(ref, tasks.map(describe).sort(compareNames));
}

/** Where tasks are looked for; undefined: everywhere. */
interface Place {
  /** The nodes that are asked for, as far as they are allowed. */
  readonly nodes: readonly NodeName[] | undefined;
  /** Those on which the operator may read tasks. */
  readonly allowed: ReadonlySet<NodeName> | undefined;
}

async function resolveRefs(
  reader: StoreReader,
  viewer: Viewer,
  refs: readonly string[],
  place: Place,
): Promise<ResolvedQuery> {
  if (refs.length === 0) return { filter: {}, named: new Set() };
  const named = new Set<TaskId>();
  const runs = new Set<RunId>();
  for (const ref of new Set(refs)) {
    const found = await resolveRef(reader, viewer, ref, place);
    if (found.kind === 'run') runs.add(found.id);
    else named.add(found.id);
  }
  if (named.size === 0) return { filter: { runIds: [...runs] }, named };
  await requireSeen(reader, [...named], place);
  const ofRuns = runs.size === 0 ? [] : await reader.selectTasks({ runIds: [...runs] });
  return { filter: { ids: [...new Set([...named, ...ofRuns.map((task) => task.id)])] }, named };
}

type Found = { readonly kind: 'task'; readonly id: TaskId } | { readonly kind: 'run'; readonly id: RunId };

/** @throws RefusedError NO_SUCH_TASK for one on a node on which the operator may not read tasks. */
async function requireSeen(reader: StoreReader, ids: readonly TaskId[], { allowed }: Place): Promise<void> {
  if (!allowed) return;
  const unseen = (await reader.getTasks(ids)).find(({ node }) => !allowed.has(node));
  if (unseen) throw noSuchTask(unseen.id);
}

async function resolveRef(
  reader: StoreReader,
  viewer: Viewer,
  ref: string,
  { nodes }: Place,
): Promise<Found> {
  const parsed = parseTaskRef(ref);
  if (!parsed) throw noSuchTask(ref);
  if (parsed.kind === 'id') return resolveId(reader, viewer.operator, parsed.text);
  if (parsed.node !== undefined) await resolveNodes(reader, viewer, { nodes: parsed.node });
  const tasks = (await reader.tasksByPid(parsed.pid)).filter(
    ({ node }) => (parsed.node === undefined || node === parsed.node) && (nodes?.includes(node) ?? true),
  );
  const [task] = tasks;
  if (!task) throw noSuchTask(ref);
  if (tasks.length > 1) throw ambiguous(ref, tasks.map(describe).sort(compareNames));
  return { kind: 'task', id: task.id };
}

async function resolveId(reader: StoreReader, operator: Operator, text: string): Promise<Found> {
  const taskIds = /^[a-z]/.test(text) ? await reader.taskIdsByPrefix(text, candidatesMax + 1) : [];
  const runIds = await runIdsFor(reader, text);
  if (taskIds.length + runIds.length > 1) throw ambiguous(text, [...taskIds, ...runIds]);
  const [taskId] = taskIds;
  const [runId] = runIds;
  if (taskId !== undefined) return { kind: 'task', id: taskId };
  if (runId !== undefined) return { kind: 'run', id: (await resolveRun(reader, operator, runId)).run.id };
  throw noSuchTask(text);
}

/** The nodes that are wanted and allowed; undefined: every one. */
function within(
  wanted: readonly NodeName[] | undefined,
  allowed: ReadonlySet<NodeName> | undefined,
): readonly NodeName[] | undefined {
  return allowed ? (wanted ?? [...allowed]).filter((name) => allowed.has(name)) : wanted;
}

function noSuchTask(ref: string): RefusedError {
  const shown = ref.length > 64 ? `${ref.slice(0, 64)}…` : ref;
  return new RefusedError('NO_SUCH_TASK', `no such task: ${JSON.stringify(shown)}`, [shown]);
}

/** "web1:4711 (kx3…, running)". */
function describe(task: Task): string {
  const pid = task.attempts.at(-1)?.pid ?? 0;
  const place = pid === 0 || task.state === TaskState.ENDED ? task.node : `${task.node}:${pid}`;
  return `${place} (${task.id}, ${stateWord(task.state)})`;
}

function intersect(ids: readonly RunId[], others: readonly RunId[] | undefined): readonly RunId[] {
  return others ? ids.filter((id) => others.includes(id)) : ids;
}
