/** Reading tasks. */
import type { ExpressionBuilder, ExpressionWrapper, SqlBool } from 'kysely';
import { type Task, type TaskSpec, TaskSpecSchema, TaskState } from '#protocol/gen/drover/v1/task_pb.ts';
import type { NodeName, TaskId } from '#protocol/ids.ts';
import { decodeMessage, decodeOptional } from './json-columns.ts';
import { endOfPrefix, keyList, numberList } from './keys.ts';
import { pageStart, toPage } from './paging.ts';
import type { Executor, Schema, TasksTable } from './schema.ts';
import { type Page, type PageRequest, StoreError, type TaskFilter } from './store.ts';
import { decodeTask } from './task-rows.ts';

/** @see StoreReader.getTasks */
export async function getTasks(db: Executor, ids: readonly TaskId[]): Promise<Task[]> {
  const tasks = await selectTasks(db, { ids });
  const found = new Set(tasks.map((task) => task.id));
  const missing = ids.find((id) => !found.has(id));
  if (missing !== undefined) throw new StoreError('failed', `task ${missing} is not recorded`);
  return tasks;
}

/** @see StoreReader.selectTasks */
export async function selectTasks(db: Executor, filter: TaskFilter): Promise<Task[]> {
  const rows = await db
    .selectFrom('tasks')
    .selectAll()
    .where((eb) => matches(eb, filter))
    .execute();
  return toTasks(db, rows);
}

/** @see StoreReader.listTasks */
export async function listTasks(db: Executor, filter: TaskFilter, page: PageRequest): Promise<Page<Task>> {
  const rows = await db
    .selectFrom('tasks')
    .selectAll()
    .where((eb) => matches(eb, filter))
    .where('recency', '<', pageStart('tasks', page))
    .orderBy('recency', 'desc')
    .limit(page.size + 1)
    .execute();
  const found = toPage('tasks', page, rows, (row) => row.recency);
  return { rows: await toTasks(db, found.rows), next: found.next };
}

/** @see StoreReader.taskIdsByPrefix */
export async function taskIdsByPrefix(db: Executor, prefix: string, limit: number): Promise<TaskId[]> {
  const rows = await db
    .selectFrom('tasks')
    .select('id')
    .where('id', '>=', prefix)
    .where('id', '<', endOfPrefix(prefix))
    .orderBy('id')
    .limit(limit)
    .execute();
  return rows.map(({ id }) => id);
}

/** @see StoreReader.tasksByPid */
export async function tasksByPid(db: Executor, pid: number): Promise<Task[]> {
  return toTasks(db, await db.selectFrom('tasks').selectAll().where('pid', '=', pid).execute());
}

/** @see StoreReader.countActiveTasks */
export async function countActiveTasks(db: Executor): Promise<ReadonlyMap<NodeName, number>> {
  const rows = await db
    .selectFrom('tasks')
    .select(['node', (eb) => eb.fn.countAll<number>().as('tasks')])
    .where('ending', 'is', null)
    .groupBy('node')
    .execute();
  return new Map(rows.map(({ node, tasks }) => [node, tasks]));
}

function matches(
  eb: ExpressionBuilder<Schema, 'tasks'>,
  { ids, runIds, nodes, states }: TaskFilter,
): ExpressionWrapper<Schema, 'tasks', SqlBool> {
  const runs = (of: readonly string[]) =>
    eb.selectFrom('runs').select('number').where('runs.id', 'in', keyList(of));
  return eb.and([
    ...(ids ? [eb('id', 'in', keyList(ids))] : []),
    ...(runIds ? [eb('run', 'in', runs(runIds))] : []),
    ...(nodes ? [eb('node', 'in', keyList(nodes))] : []),
    ...(states ? [eb('state', 'in', numberList(states))] : []),
    // Says the same as the states, in the words of the index of active tasks.
    ...(states && !states.includes(TaskState.ENDED) ? [eb('ending', 'is', null)] : []),
  ]);
}

/** Specs are read once a run and not once a task: a run may have 20,000 tasks and a spec 256 KiB. */
async function toTasks(db: Executor, rows: readonly TasksTable[]): Promise<Task[]> {
  const runs = await readRuns(db, [...new Set(rows.map((row) => row.run))]);
  return rows.map((row) => {
    const run = runs.get(row.run);
    if (!run) throw new TypeError(`task ${row.id} has no run ${row.run}`);
    return decodeTask(row, run, decodeOptional(TaskSpecSchema, row.spec));
  });
}

async function readRuns(
  db: Executor,
  numbers: readonly number[],
): Promise<ReadonlyMap<number, { readonly id: string; readonly spec: TaskSpec }>> {
  const rows = await db
    .selectFrom('runs')
    .select(['number', 'id', 'spec'])
    .where('number', 'in', numberList(numbers))
    .execute();
  return new Map(
    rows.map(({ number, id, spec }) => [number, { id, spec: decodeMessage(TaskSpecSchema, spec) }]),
  );
}
