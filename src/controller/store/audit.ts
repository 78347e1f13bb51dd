/** The audit's rows; they are added, each chained to the one before, and never changed. */
import { chainHash, chainStart } from '#base/hash-chain.ts';
import { nextNumber } from './counters.ts';
import type { AuditTable, Executor } from './schema.ts';
import type { AuditRecord, AuditRow } from './store.ts';

/** @see StoreReader.listAudit */
export async function listAudit(db: Executor, afterSequence: number, limit: number): Promise<AuditRow[]> {
  const rows = await db
    .selectFrom('audit')
    .selectAll()
    .where('sequence', '>', afterSequence)
    .orderBy('sequence')
    .limit(limit)
    .execute();
  return rows.map(decodeRow);
}

/** @see StoreReader.listAuditBefore */
export async function listAuditBefore(
  db: Executor,
  beforeSequence: number,
  limit: number,
): Promise<AuditRow[]> {
  const rows = await db
    .selectFrom('audit')
    .selectAll()
    .where('sequence', '<', beforeSequence)
    .orderBy('sequence', 'desc')
    .limit(limit)
    .execute();
  return rows.map(decodeRow);
}

/** @see StoreReader.auditSince */
export async function auditSince(db: Executor, sinceMs: number): Promise<number> {
  const row = await db
    .selectFrom('audit')
    .select('sequence')
    .where('at', '>=', sinceMs)
    .orderBy('at')
    .orderBy('sequence')
    .limit(1)
    .executeTakeFirst();
  return row?.sequence ?? Number.MAX_SAFE_INTEGER;
}

/** @see StoreWriter.insertAudit */
export async function insertAudit(db: Executor, record: AuditRecord): Promise<void> {
  const sequence = await nextNumber(db, 'audit');
  const { atMs: at, ...rest } = record;
  const content = { at, ...rest };
  const hash = chainHash(await hashBefore(db, sequence), { sequence, content });
  await db
    .insertInto('audit')
    .values({ sequence, ...content, hash })
    .execute();
}

/** Of the last row: where rows were taken out, the next ones are chained to what is left, and their numbers tell. */
async function hashBefore(db: Executor, sequence: number): Promise<string> {
  const row = await db
    .selectFrom('audit')
    .select('hash')
    .where('sequence', '<', sequence)
    .orderBy('sequence', 'desc')
    .limit(1)
    .executeTakeFirst();
  return row?.hash ?? chainStart;
}

function decodeRow({ at, ...row }: AuditTable): AuditRow {
  return { atMs: at, ...row };
}
