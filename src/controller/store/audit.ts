/** The audit's rows; they are added and never changed. */
import { nextNumber } from './counters.ts';
import type { Executor } from './schema.ts';
import type { AuditRecord } from './store.ts';

/** @see StoreReader.listAudit */
export async function listAudit(
  db: Executor,
  afterSequence: number,
  limit: number,
): Promise<(AuditRecord & { sequence: number })[]> {
  const rows = await db
    .selectFrom('audit')
    .selectAll()
    .where('sequence', '>', afterSequence)
    .orderBy('sequence')
    .limit(limit)
    .execute();
  return rows.map(({ at, ...row }) => ({ atMs: at, ...row }));
}

/** @see StoreWriter.insertAudit */
export async function insertAudit(db: Executor, record: AuditRecord): Promise<void> {
  await db
    .insertInto('audit')
    .values({
      sequence: await nextNumber(db, 'audit'),
      at: record.atMs,
      who: record.who,
      verb: record.verb,
      decision: record.decision,
      targets: record.targets,
      request: record.request,
    })
    .execute();
}
