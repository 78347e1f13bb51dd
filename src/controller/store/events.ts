/** The cluster's events, as rows. They are added under numbers without a gap, never changed, and given up from the oldest on. */
import { sql } from 'kysely';
import { limits } from '#protocol/limits.ts';
import { nextNumber } from './counters.ts';
import { decodeTexts, encodeTexts } from './json-columns.ts';
import { changeList, keyList } from './keys.ts';
import type { EventsTable, Executor } from './schema.ts';
import type { EventFilter, EventPage, EventRecord, EventRetention, EventSpan } from './store.ts';

/** @see StoreReader.eventSpan */
export async function eventSpan(db: Executor): Promise<EventSpan> {
  const { value: latest } = await db
    .selectFrom('counters')
    .select('value')
    .where('name', '=', 'event')
    .executeTakeFirstOrThrow();
  const { oldest } = await db
    .selectFrom('events')
    .select((eb) => eb.fn.min<number | null>('sequence').as('oldest'))
    .executeTakeFirstOrThrow();
  return { latest, oldest: oldest ?? latest + 1 };
}

/** @see StoreReader.listEvents */
export async function listEvents(
  db: Executor,
  filter: EventFilter,
  afterSequence: number,
  limit: number,
): Promise<EventPage> {
  const { oldest, latest } = await eventSpan(db);
  const first = filter.sinceMs === undefined ? oldest : await firstSince(db, filter.sinceMs, latest);
  const after = Math.max(afterSequence, first - 1);
  const through = Math.max(after, Math.min(latest, after + limits.eventsScannedMax));
  const rows = await selectEvents(db, filter, after, through).limit(limit).execute();
  const last = rows[limit - 1];
  return {
    events: rows.map(decodeEvent),
    through: last ? last.sequence : through,
    latest,
    gone: afterSequence === 0 ? 0 : Math.max(0, oldest - 1 - afterSequence),
  };
}

/** @see StoreWriter.insertEvents */
export async function insertEvents(db: Executor, records: readonly EventRecord[]): Promise<void> {
  const last = await nextNumber(db, 'event', records.length);
  const rows = records.map(
    (record, i) => [String(last - records.length + 1 + i), encodeEvent(record)] as const,
  );
  await sql`
    insert into events (sequence, at, kind, node, task_id, run_id, who, data)
    select
      cast(change.key as bigint),
      cast(change.value ->> 'at' as bigint),
      change.value ->> 'kind',
      change.value ->> 'node',
      change.value ->> 'task_id',
      change.value ->> 'run_id',
      change.value ->> 'who',
      change.value ->> 'data'
    from ${changeList(rows)}`.execute(db);
}

/** @see StoreWriter.pruneEvents */
export async function pruneEvents(
  db: Executor,
  { keepMax, beforeMs, limit }: EventRetention,
): Promise<number> {
  const { oldest, latest } = await eventSpan(db);
  const kept = Math.max(latest - keepMax + 1, await firstSince(db, beforeMs, latest));
  const below = Math.min(kept, oldest + limit);
  if (below <= oldest) return 0;
  const { numDeletedRows } = await db
    .deleteFrom('events')
    .where('sequence', '<', below)
    .executeTakeFirstOrThrow();
  return Number(numDeletedRows);
}

/** The event whose time is the first not before a time; the one after `latest` where there is none. */
async function firstSince(db: Executor, sinceMs: number, latest: number): Promise<number> {
  const row = await db
    .selectFrom('events')
    .select('sequence')
    .where('at', '>=', sinceMs)
    .orderBy('at')
    .orderBy('sequence')
    .limit(1)
    .executeTakeFirst();
  return row?.sequence ?? latest + 1;
}

function selectEvents(db: Executor, filter: EventFilter, after: number, through: number) {
  const { kinds, nodes, taskIds, runIds, sinceMs } = filter;
  return db
    .selectFrom('events')
    .selectAll()
    .where('sequence', '>', after)
    .where('sequence', '<=', through)
    .where((eb) =>
      eb.and([
        ...(sinceMs === undefined ? [] : [eb('at', '>=', sinceMs)]),
        ...(kinds ? [sql<boolean>`kind in ${keyList(kinds)}`] : []),
        ...(nodes ? [eb('node', 'in', keyList(nodes))] : []),
        ...(taskIds ? [eb('task_id', 'in', keyList(taskIds))] : []),
        ...(runIds ? [eb('run_id', 'in', keyList(runIds))] : []),
      ]),
    )
    .orderBy('sequence');
}

function encodeEvent({
  atMs,
  kind,
  node,
  taskId,
  runId,
  who,
  data,
}: EventRecord): Omit<EventsTable, 'sequence'> {
  return { at: atMs, kind, node, task_id: taskId, run_id: runId, who, data: encodeTexts(data) };
}

function decodeEvent(row: EventsTable): EventRecord & { sequence: number } {
  return {
    sequence: row.sequence,
    atMs: row.at,
    kind: row.kind,
    node: row.node,
    taskId: row.task_id,
    runId: row.run_id,
    who: row.who,
    data: decodeTexts(row.data),
  };
}
