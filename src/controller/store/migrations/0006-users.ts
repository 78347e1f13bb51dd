/** Users, their tokens and roles. Never edited once it was released. */
import { type Kysely, sql } from 'kysely';
import type { Migration } from 'kysely/migration';

/** Makes the tables; whoever had a token is a user with the role of it. */
export const users: Migration = {
  async up(db: Kysely<unknown>) {
    await db.schema
      .createTable('users')
      .addColumn('name', 'text', (c) => c.primaryKey().notNull())
      .addColumn('roles', 'text', (c) => c.notNull())
      .addColumn('disabled', 'bigint')
      .addColumn('subject', 'text', (c) => c.unique())
      .addColumn('created_by', 'text', (c) => c.notNull())
      .addColumn('created_at', 'bigint', (c) => c.notNull())
      .execute();
    await db.schema
      .createTable('user_tokens')
      .addColumn('id', 'text', (c) => c.primaryKey().notNull())
      .addColumn('user_name', 'text', (c) => c.notNull().references('users.name'))
      .addColumn('description', 'text', (c) => c.notNull())
      .addColumn('roles', 'text', (c) => c.notNull())
      .addColumn('verbs', 'text', (c) => c.notNull())
      .addColumn('secret_hash', 'text', (c) => c.notNull().unique())
      .addColumn('created_at', 'bigint', (c) => c.notNull())
      .addColumn('expires_at', 'bigint')
      .addColumn('used_at', 'bigint')
      .execute();
    await db.schema
      .createTable('roles')
      .addColumn('name', 'text', (c) => c.primaryKey().notNull())
      .addColumn('description', 'text', (c) => c.notNull())
      .addColumn('rules', 'text', (c) => c.notNull())
      .addColumn('revision', 'text', (c) => c.notNull())
      .addColumn('changed_by', 'text', (c) => c.notNull())
      .addColumn('changed_at', 'bigint', (c) => c.notNull())
      .execute();
    await takeOver(db);
    await db.schema.dropTable('operator_tokens').execute();
  },
};

async function takeOver(db: Kysely<unknown>): Promise<void> {
  await sql`
    insert into users (name, roles, created_by, created_at)
    select operator, '["' || min(role) || '"]', '', min(created_at) from operator_tokens group by operator
  `.execute(db);
  await sql`
    insert into user_tokens (id, user_name, description, roles, verbs, secret_hash, created_at, expires_at)
    select id, operator, '', '[]', '[]', secret_hash, created_at, expires_at from operator_tokens
  `.execute(db);
}
