/** The audit's rows are chained. Never edited once it was released: a change is a new migration. */
import type { Kysely } from 'kysely';
import type { Migration } from 'kysely/migration';
import { chainHash, chainStart } from '#base/hash-chain.ts';

/** What is written here; apart from schema.ts, which goes on to change. */
interface Written {
  audit: {
    sequence: number;
    at: number;
    who: string;
    verb: string;
    decision: string;
    nodes: string;
    targets: string;
    request: string;
    reason: string;
    hash: string;
  };
}

/** Rows that are read at once. */
const batch = 1_000;

/** Adds what the chain needs, and hashes the rows that there are. */
export const auditChain: Migration = {
  async up(db: Kysely<Written>) {
    for (const column of ['nodes', 'reason', 'hash']) {
      await db.schema
        .alterTable('audit')
        .addColumn(column, 'text', (c) => c.notNull().defaultTo(''))
        .execute();
    }
    // Where a time begins, for those who ask by it.
    await db.schema.createIndex('audit_by_time').on('audit').column('at').execute();
    await hashRows(db);
  },
};

async function hashRows(db: Kysely<Written>): Promise<void> {
  let previous = chainStart;
  for (let after = 0; ; ) {
    const rows = await db
      .selectFrom('audit')
      .selectAll()
      .where('sequence', '>', after)
      .orderBy('sequence')
      .limit(batch)
      .execute();
    for (const { sequence, hash: _, ...content } of rows) {
      previous = chainHash(previous, { sequence, content });
      await db.updateTable('audit').set({ hash: previous }).where('sequence', '=', sequence).execute();
      after = sequence;
    }
    if (rows.length < batch) return;
  }
}
