/** The first tables. Never edited once it was released: a change is a new migration. */
import { randomUUID } from 'node:crypto';
import { type Kysely, sql } from 'kysely';
import type { Migration } from 'kysely/migration';

/** What is written here; apart from schema.ts, which goes on to change. */
interface Written {
  cluster: { id: string };
  counters: { name: string; value: number };
}

/** Makes all tables, and the cluster's id. */
export const firstLight: Migration = {
  async up(db: Kysely<Written>) {
    await createCluster(db);
    await createNodes(db);
    await createRuns(db);
    await createTasks(db);
    await createTokens(db);
    await createAudit(db);
  },
};

async function createCluster(db: Kysely<Written>): Promise<void> {
  await db.schema
    .createTable('cluster')
    .addColumn('id', 'text', (c) => c.primaryKey().notNull())
    .execute();
  await db.insertInto('cluster').values({ id: randomUUID() }).execute();
  await db.schema
    .createTable('counters')
    .addColumn('name', 'text', (c) => c.primaryKey().notNull())
    .addColumn('value', 'bigint', (c) => c.notNull())
    .execute();
  const counters = ['run', 'audit'].map((name) => ({ name, value: 0 }));
  await db.insertInto('counters').values(counters).execute();
}

async function createNodes(db: Kysely<Written>): Promise<void> {
  await db.schema
    .createTable('nodes')
    .addColumn('name', 'text', (c) => c.primaryKey().notNull())
    .addColumn('key_fingerprint', 'text', (c) => c.notNull().unique())
    .addColumn('labels', 'text', (c) => c.notNull())
    .addColumn('joined_at', 'bigint', (c) => c.notNull())
    .addColumn('seen_at', 'bigint')
    .addColumn('address', 'text', (c) => c.notNull())
    .addColumn('version', 'text', (c) => c.notNull())
    .addColumn('facts', 'text')
    .addColumn('journal_id', 'text', (c) => c.notNull())
    .addColumn('acknowledged_event', 'text', (c) => c.notNull())
    .execute();
}

async function createRuns(db: Kysely<Written>): Promise<void> {
  await db.schema
    .createTable('runs')
    .addColumn('number', 'bigint', (c) => c.primaryKey().notNull())
    .addColumn('id', 'text', (c) => c.notNull().unique())
    .addColumn('name', 'text', (c) => c.notNull())
    .addColumn('spec', 'text', (c) => c.notNull())
    .addColumn('nodes', 'text', (c) => c.notNull())
    .addColumn('created_by', 'text', (c) => c.notNull())
    .addColumn('created_at', 'bigint', (c) => c.notNull())
    .addColumn('ended_at', 'bigint')
    .addColumn('digest', 'text', (c) => c.notNull())
    .addColumn('when_unreachable', 'bigint', (c) => c.notNull())
    .execute();
}

async function createTasks(db: Kysely<Written>): Promise<void> {
  await db.schema
    .createTable('tasks')
    .addColumn('id', 'text', (c) => c.primaryKey().notNull())
    .addColumn('run', 'bigint', (c) => c.notNull().references('runs.number'))
    .addColumn('recency', 'bigint', (c) => c.notNull().unique())
    .addColumn('node', 'text', (c) => c.notNull())
    .addColumn('spec', 'text')
    .addColumn('state', 'bigint', (c) => c.notNull())
    .addColumn('reason', 'text', (c) => c.notNull())
    .addColumn('created_at', 'bigint', (c) => c.notNull())
    .addColumn('attempts', 'text', (c) => c.notNull())
    .addColumn('outcome', 'text')
    .addColumn('cause', 'bigint', (c) => c.notNull())
    .addColumn('ending', 'text')
    .addColumn('pid', 'bigint')
    .execute();
  // Counts of a run, from the index alone.
  await db.schema.createIndex('tasks_by_run').on('tasks').columns(['run', 'ending']).execute();
  // Lists of some nodes' tasks, newest first.
  await db.schema.createIndex('tasks_by_node').on('tasks').columns(['node', 'recency']).execute();
  // The active ones are few among many: lists and counts of them, dispatch at a reconnect, processes by id.
  await db.schema
    .createIndex('active_tasks')
    .on('tasks')
    .column('recency')
    .where(sql.ref('ending'), 'is', null)
    .execute();
  await db.schema
    .createIndex('active_tasks_by_node')
    .on('tasks')
    .columns(['node', 'recency'])
    .where(sql.ref('ending'), 'is', null)
    .execute();
  await db.schema
    .createIndex('active_tasks_by_pid')
    .on('tasks')
    .column('pid')
    .where(sql.ref('pid'), 'is not', null)
    .execute();
}

async function createTokens(db: Kysely<Written>): Promise<void> {
  await db.schema
    .createTable('join_tokens')
    .addColumn('id', 'text', (c) => c.primaryKey().notNull())
    .addColumn('secret_hash', 'text', (c) => c.notNull())
    .addColumn('names', 'text', (c) => c.notNull())
    .addColumn('labels', 'text', (c) => c.notNull())
    .addColumn('uses_left', 'bigint', (c) => c.notNull())
    .addColumn('created_by', 'text', (c) => c.notNull())
    .addColumn('created_at', 'bigint', (c) => c.notNull())
    .addColumn('expires_at', 'bigint', (c) => c.notNull())
    .execute();
  await db.schema
    .createTable('operator_tokens')
    .addColumn('id', 'text', (c) => c.primaryKey().notNull())
    .addColumn('operator', 'text', (c) => c.notNull())
    .addColumn('role', 'text', (c) => c.notNull())
    .addColumn('secret_hash', 'text', (c) => c.notNull().unique())
    .addColumn('created_at', 'bigint', (c) => c.notNull())
    .addColumn('expires_at', 'bigint')
    .execute();
}

async function createAudit(db: Kysely<Written>): Promise<void> {
  await db.schema
    .createTable('audit')
    .addColumn('sequence', 'bigint', (c) => c.primaryKey().notNull())
    .addColumn('at', 'bigint', (c) => c.notNull())
    .addColumn('who', 'text', (c) => c.notNull())
    .addColumn('verb', 'text', (c) => c.notNull())
    .addColumn('decision', 'text', (c) => c.notNull())
    .addColumn('targets', 'text', (c) => c.notNull())
    .addColumn('request', 'text', (c) => c.notNull())
    .execute();
}
