/** Recording tasks and their progress. */
import { sql } from 'kysely';
import { type Task, type TaskSpec, TaskSpecSchema } from '#protocol/gen/drover/v1/task_pb.ts';
import { encodeMessage, requiredMs } from './json-columns.ts';
import { changeList } from './keys.ts';
import { runKeys } from './runs.ts';
import type { Executor, RunsTable, TasksTable } from './schema.ts';
import { StoreError } from './store.ts';
import { recencyRange, runTasksMax } from './task-order.ts';
import { encodeProgress } from './task-rows.ts';

/** Rows of one INSERT: where more no longer make it faster, and below every backend's limit on parameters. */
const rowsPerInsert = 100;

/** @see StoreWriter.insertTasks */
export async function insertTasks(db: Executor, tasks: readonly Task[]): Promise<void> {
  const byRun = Map.groupBy(tasks, (task) => task.runId);
  const runs = await runKeys(db, [...byRun.keys()]);
  for (const [id, ofRun] of byRun) {
    const run = runs.get(id);
    if (!run) throw new StoreError('failed', `run ${id} is not recorded`);
    const rows = await newRows(db, run, ofRun);
    for (let i = 0; i < rows.length; i += rowsPerInsert) {
      await db
        .insertInto('tasks')
        .values(rows.slice(i, i + rowsPerInsert))
        .execute();
    }
  }
}

/** @see StoreWriter.updateTasks */
export async function updateTasks(db: Executor, tasks: readonly Task[]): Promise<void> {
  const changes = changeList(tasks.map((task) => [task.id, encodeProgress(task)]));
  const { numAffectedRows = 0n } = await sql`
    update tasks set
      state = cast(change.value ->> 'state' as bigint),
      reason = change.value ->> 'reason',
      attempts = change.value ->> 'attempts',
      outcome = change.value ->> 'outcome',
      cause = cast(change.value ->> 'cause' as bigint),
      ending = change.value ->> 'ending',
      pid = cast(change.value ->> 'pid' as bigint)
    from ${changes}
    where tasks.id = change.key`.execute(db);
  const missing = BigInt(tasks.length) - numAffectedRows;
  if (missing !== 0n) throw new StoreError('failed', `${missing} of ${tasks.length} tasks are not recorded`);
}

async function newRows(
  db: Executor,
  run: Pick<RunsTable, 'number' | 'spec'>,
  tasks: readonly Task[],
): Promise<TasksTable[]> {
  let recency = await lowestRecency(db, run.number);
  if (recency - tasks.length < recencyRange(run.number).from) {
    throw new StoreError('failed', `a run can have ${runTasksMax} tasks`);
  }
  const ownSpec = specColumn(run.spec);
  return tasks.map((task) => ({
    id: task.id,
    run: run.number,
    recency: --recency,
    node: task.node,
    spec: ownSpec(task.spec),
    created_at: requiredMs(task.createdAt, 'Task.created_at'),
    ...encodeProgress(task),
  }));
}

async function lowestRecency(db: Executor, run: number): Promise<number> {
  const { from, below } = recencyRange(run);
  const row = await db
    .selectFrom('tasks')
    .select((eb) => eb.fn.min<number | null>('recency').as('lowest'))
    .where('recency', '>=', from)
    .where('recency', '<', below)
    .executeTakeFirstOrThrow();
  return row.lowest ?? below;
}

/** Gives the column for a spec. The tasks of a run mostly share one message, so each is encoded once. */
function specColumn(runSpec: string): (spec: TaskSpec | undefined) => string | null {
  const known = new Map<TaskSpec, string | null>();
  return (spec) => {
    if (!spec) throw new TypeError('Task.spec is not set');
    let column = known.get(spec);
    if (column === undefined) {
      const text = encodeMessage(TaskSpecSchema, spec);
      column = text === runSpec ? null : text;
      known.set(spec, column);
    }
    return column;
  };
}
