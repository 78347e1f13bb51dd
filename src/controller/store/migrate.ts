/**
 * Brings a database to the tables of this version, forward only. One set of migrations for every backend: what a
 * migration says must mean the same on all of them.
 */
import { type Migration, Migrator } from 'kysely/migration';
import { firstLight } from './migrations/0001-first-light.ts';
import { pacing } from './migrations/0002-pacing.ts';
import { events } from './migrations/0003-events.ts';
import { nodeManagement } from './migrations/0004-node-management.ts';
import { auditChain } from './migrations/0005-audit-chain.ts';
import { users } from './migrations/0006-users.ts';
import { nodeGenerations } from './migrations/0007-node-generations.ts';
import type { Executor } from './schema.ts';
import { StoreError } from './store.ts';

/** Every migration, by name; the names sort in the order of the migrations. */
const migrations: Readonly<Record<string, Migration>> = {
  '0001-first-light': firstLight,
  '0002-pacing': pacing,
  '0003-events': events,
  '0004-node-management': nodeManagement,
  '0005-audit-chain': auditChain,
  '0006-users': users,
  '0007-node-generations': nodeGenerations,
};

/** Kysely's own table of the migrations that were run. */
const migrationTable = 'kysely_migration';

/**
 * Refuses a database that a newer version of Drover has written. Only reads.
 *
 * @param place path or address of the database, for the message.
 * @throws StoreError reason "newer".
 */
export async function refuseNewer(db: Executor, place: string): Promise<void> {
  const unknown = (await executedMigrations(db)).filter((name) => !(name in migrations));
  if (unknown.length === 0) return;
  throw new StoreError(
    'newer',
    `the database ${place} was written by a newer version of Drover (it has ${unknown.join(', ')}): ` +
      'start that version or a later one, or name another data directory',
  );
}

/**
 * Refuses a database that holds nothing. Only reads.
 *
 * @param place path or address of the database, for the message.
 * @throws StoreError reason "failed".
 */
export async function refuseEmpty(db: Executor, place: string): Promise<void> {
  if ((await executedMigrations(db)).length > 0) return;
  throw new StoreError(
    'failed',
    `the database ${place} is lost, though this controller had one: put it back with the files that begin with its ` +
      'name, or name another data directory to begin anew',
  );
}

/**
 * Runs the migrations that are missing, each all or nothing. Safe to call again.
 *
 * @throws what the database said.
 */
export async function migrate(db: Executor): Promise<void> {
  const migrator = new Migrator({
    db,
    provider: { getMigrations: async () => ({ ...migrations }) },
    migrationTableName: migrationTable,
  });
  const { error } = await migrator.migrateToLatest();
  if (error !== undefined) throw error;
}

async function executedMigrations(db: Executor): Promise<string[]> {
  const tables = await db.introspection.getTables({ withInternalKyselyTables: true });
  if (!tables.some(({ name }) => name === migrationTable)) return [];
  const rows = await db
    .withTables<{ [migrationTable]: { name: string } }>()
    .selectFrom(migrationTable)
    .select('name')
    .orderBy('name')
    .execute();
  return rows.map(({ name }) => name);
}
