/** Opens the embedded database. The directory's lock (base/directory-lock.ts) is the caller's. */
import { closeSync, mkdirSync, openSync } from 'node:fs';
import { dirname } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { Kysely } from 'kysely';
import { syncDirectory } from '#base/atomic-file.ts';
import { migrate, refuseEmpty, refuseNewer } from './migrate.ts';
import { isSqliteDuplicate, nodeSqliteDialect } from './node-sqlite-dialect.ts';
import type { Executor, Schema } from './schema.ts';
import { type OnCommit, SqlStore } from './sql-store.ts';
import { type Store, StoreError } from './store.ts';

/**
 * Wait for a lock that another process has on the file: only a person's tool can, as ours are kept out. It is short
 * because node:sqlite waits in the event loop.
 */
const busyTimeoutMs = 1_000;

/** Which database. */
export interface SqliteStoreOptions {
  /** File; made with mode 0600, its directory with 0700, where they are not there. */
  readonly path: string;
  /** There was one before: where it is empty or gone, that is an error and no beginning. Default false. */
  readonly mustBeThere?: boolean;
  readonly onCommit?: OnCommit;
}

/**
 * Opens the store in a SQLite file, makes it if need be, and brings it to the tables of this version.
 *
 * @throws StoreError reason "newer" when a newer version of Drover has written it, which leaves it as it was;
 *   "failed" when it cannot be opened, is no database, or must be there and holds nothing.
 */
export async function openSqliteStore({
  path,
  mustBeThere = false,
  onCommit,
}: SqliteStoreOptions): Promise<Store> {
  try {
    await makeFile(path);
    const database = new DatabaseSync(path, { timeout: busyTimeoutMs, enableForeignKeyConstraints: true });
    const db = new Kysely<Schema>({ dialect: nodeSqliteDialect(database) });
    try {
      if (mustBeThere) await refuseEmpty(db, path);
      await prepare(database, db, path);
    } catch (error) {
      database.close();
      throw error;
    }
    return new SqlStore({ db, isDuplicate: isSqliteDuplicate, onCommit });
  } catch (error) {
    if (error instanceof StoreError) throw error;
    throw new StoreError('failed', `could not open the database ${path}`, { cause: error });
  }
}

async function makeFile(path: string): Promise<void> {
  const directory = dirname(path);
  const made = mkdirSync(directory, { recursive: true, mode: 0o700 });
  closeSync(openSync(path, 'a', 0o600));
  await syncDirectory(directory);
  if (made !== undefined) await syncDirectory(dirname(made));
}

async function prepare(database: DatabaseSync, db: Executor, path: string): Promise<void> {
  await refuseNewer(db, path);
  // WAL with FULL syncs at every commit: what was committed survives a power loss.
  database.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL');
  await migrate(db);
}
