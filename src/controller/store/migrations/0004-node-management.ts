/** Nodes that take nothing new, and those that were removed. Never edited once it was released. */
import type { Kysely } from 'kysely';
import type { Migration } from 'kysely/migration';

/** Adds why a node is drained, and the keys that are refused for ever. */
export const nodeManagement: Migration = {
  async up(db: Kysely<unknown>) {
    for (const column of ['drain_reason', 'drained_by'])
      await db.schema.alterTable('nodes').addColumn(column, 'text').execute();
    await db.schema.alterTable('nodes').addColumn('drained_at', 'bigint').execute();
    await db.schema
      .createTable('removed_nodes')
      .addColumn('key_fingerprint', 'text', (c) => c.primaryKey().notNull())
      .addColumn('name', 'text', (c) => c.notNull())
      .addColumn('removed_at', 'bigint', (c) => c.notNull())
      .addColumn('removed_by', 'text', (c) => c.notNull())
      .execute();
  },
};
