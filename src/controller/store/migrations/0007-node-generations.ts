/** Certificates of nodes are counted. Never edited once it was released: a change is a new migration. */
import type { Kysely } from 'kysely';
import type { Migration } from 'kysely/migration';

/** Adds the counters. Nodes that have joined already hold certificates without a generation, which count as 0. */
export const nodeGenerations: Migration = {
  async up(db: Kysely<unknown>) {
    for (const column of ['generation', 'generation_given']) {
      await db.schema
        .alterTable('nodes')
        .addColumn(column, 'bigint', (c) => c.notNull().defaultTo(0))
        .execute();
    }
  },
};
