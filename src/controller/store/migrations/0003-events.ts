/** The cluster's events. Never edited once it was released: a change is a new migration. */
import type { Kysely } from 'kysely';
import type { Migration } from 'kysely/migration';

/** What is written here; apart from schema.ts, which goes on to change. */
interface Written {
  counters: { name: string; value: number };
}

/** Makes the table and the counter of its rows. */
export const events: Migration = {
  async up(db: Kysely<Written>) {
    await db.schema
      .createTable('events')
      .addColumn('sequence', 'bigint', (c) => c.primaryKey().notNull())
      .addColumn('at', 'bigint', (c) => c.notNull())
      .addColumn('kind', 'text', (c) => c.notNull())
      .addColumn('node', 'text', (c) => c.notNull())
      .addColumn('task_id', 'text', (c) => c.notNull())
      .addColumn('run_id', 'text', (c) => c.notNull())
      .addColumn('who', 'text', (c) => c.notNull())
      .addColumn('data', 'text', (c) => c.notNull())
      .execute();
    // Where a time begins, for those who ask by it and for what is too old.
    await db.schema.createIndex('events_by_time').on('events').column('at').execute();
    await db.insertInto('counters').values({ name: 'event', value: 0 }).execute();
  },
};
