/** Runs, as rows, with the counts of their tasks. */
import { create } from '@bufbuild/protobuf';
import { timestampFromMs } from '@bufbuild/protobuf/wkt';
import type { Ending } from '#core/outcome.ts';
import { runCounts } from '#core/run-counts.ts';
import {
  PacingSchema,
  type Run,
  type RunCounts,
  RunSchema,
  TaskSpecSchema,
} from '#protocol/gen/drover/v1/task_pb.ts';
import type { RunId } from '#protocol/ids.ts';
import { nextNumber } from './counters.ts';
import { decodeMessage, decodeOptional, encodeMessage, encodeOptional, requiredMs } from './json-columns.ts';
import { endOfPrefix, keyList, numberList } from './keys.ts';
import { pageStart, toPage } from './paging.ts';
import type { Executor, RunsTable } from './schema.ts';
import { type Page, type PageRequest, type RunRecord, StoreError } from './store.ts';

/** @see StoreReader.findRun */
export async function findRun(db: Executor, id: RunId): Promise<RunRecord | undefined> {
  const row = await db.selectFrom('runs').selectAll().where('id', '=', id).executeTakeFirst();
  if (!row) return undefined;
  const [record] = await toRecords(db, [row]);
  return record;
}

/** @see StoreReader.pacedRuns */
export async function pacedRuns(db: Executor): Promise<RunRecord[]> {
  const rows = await db
    .selectFrom('runs')
    .selectAll()
    .where('pacing', 'is not', null)
    .where('ended_at', 'is', null)
    .orderBy('number')
    .execute();
  return toRecords(db, rows);
}

/** @see StoreReader.runIdsByPrefix */
export async function runIdsByPrefix(db: Executor, prefix: string, limit: number): Promise<RunId[]> {
  const rows = await db
    .selectFrom('runs')
    .select('id')
    .where('id', '>=', prefix)
    .where('id', '<', endOfPrefix(prefix))
    .orderBy('id')
    .limit(limit)
    .execute();
  return rows.map(({ id }) => id);
}

/** @see StoreReader.listRuns */
export async function listRuns(db: Executor, page: PageRequest): Promise<Page<Run>> {
  const rows = await db
    .selectFrom('runs')
    .selectAll()
    .where('number', '<', pageStart('runs', page))
    .orderBy('number', 'desc')
    .limit(page.size + 1)
    .execute();
  const found = toPage('runs', page, rows, (row) => row.number);
  return { rows: await toRuns(db, found.rows), next: found.next };
}

/** @see StoreReader.countEndings */
export async function countEndings(db: Executor, id: RunId): Promise<ReadonlyMap<Ending, number>> {
  const rows = await db
    .selectFrom('tasks')
    .select(['ending', (eb) => eb.fn.countAll<number>().as('tasks')])
    .where('run', 'in', (eb) => eb.selectFrom('runs').select('number').where('id', '=', id))
    .where('ending', 'is not', null)
    .groupBy('ending')
    .execute();
  return new Map(rows.flatMap(({ ending, tasks }) => (ending ? [[ending, tasks] as const] : [])));
}

/** @see StoreWriter.insertRun */
export async function insertRun(db: Executor, { run, digest, whenUnreachable }: RunRecord): Promise<void> {
  if (!run.spec) throw new TypeError('Run.spec is not set');
  await db
    .insertInto('runs')
    .values({
      number: await nextNumber(db, 'run'),
      id: run.id,
      name: run.name,
      spec: encodeMessage(TaskSpecSchema, run.spec),
      nodes: run.nodes,
      created_by: run.createdBy,
      created_at: requiredMs(run.createdAt, 'Run.created_at'),
      ended_at: run.endedAt ? requiredMs(run.endedAt, 'Run.ended_at') : null,
      digest,
      when_unreachable: whenUnreachable,
      pacing: encodeOptional(PacingSchema, run.pacing),
    })
    .execute();
}

/** @see StoreWriter.setRunEnded */
export async function setRunEnded(db: Executor, id: RunId, endedAtMs: number): Promise<void> {
  const { numUpdatedRows } = await db
    .updateTable('runs')
    .set({ ended_at: endedAtMs })
    .where('id', '=', id)
    .executeTakeFirstOrThrow();
  if (numUpdatedRows === 0n) throw new StoreError('failed', `run ${id} is not recorded`);
}

/** The number and spec (as text) of runs, by id; those that are not there are absent. */
export async function runKeys(
  db: Executor,
  ids: readonly RunId[],
): Promise<ReadonlyMap<RunId, Pick<RunsTable, 'number' | 'spec'>>> {
  const rows = await db
    .selectFrom('runs')
    .select(['id', 'number', 'spec'])
    .where('id', 'in', keyList(ids))
    .execute();
  return new Map(rows.map((row) => [row.id, row]));
}

async function toRecords(db: Executor, rows: readonly RunsTable[]): Promise<RunRecord[]> {
  const runs = await toRuns(db, rows);
  return rows.flatMap(({ digest, when_unreachable: whenUnreachable }, i) => {
    const run = runs[i];
    return run ? [{ run, digest, whenUnreachable }] : [];
  });
}

async function toRuns(db: Executor, rows: readonly RunsTable[]): Promise<Run[]> {
  const counts = await countTasks(
    db,
    rows.map((row) => row.number),
  );
  return rows.map((row) => toRun(row, counts.get(row.number) ?? runCounts(0, new Map())));
}

/** Counts of all these runs by one statement; runs without tasks are absent. */
async function countTasks(db: Executor, numbers: readonly number[]): Promise<ReadonlyMap<number, RunCounts>> {
  const rows = await db
    .selectFrom('tasks')
    .select(['run', 'ending', (eb) => eb.fn.countAll<number>().as('tasks')])
    .where('run', 'in', numberList(numbers))
    .groupBy(['run', 'ending'])
    .execute();
  const counted = Map.groupBy(rows, (row) => row.run);
  return new Map(
    [...counted].map(([run, groups]) => {
      const total = groups.reduce((sum, group) => sum + group.tasks, 0);
      const ended = groups.flatMap(({ ending, tasks }) => (ending ? [[ending, tasks] as const] : []));
      return [run, runCounts(total, new Map(ended))];
    }),
  );
}

function toRun(row: RunsTable, counts: RunCounts): Run {
  const pacing = decodeOptional(PacingSchema, row.pacing);
  return create(RunSchema, {
    id: row.id,
    name: row.name,
    spec: decodeMessage(TaskSpecSchema, row.spec),
    nodes: row.nodes,
    createdBy: row.created_by,
    createdAt: timestampFromMs(row.created_at),
    ...(row.ended_at === null ? {} : { endedAt: timestampFromMs(row.ended_at) }),
    counts,
    ...(pacing ? { pacing } : {}),
  });
}
