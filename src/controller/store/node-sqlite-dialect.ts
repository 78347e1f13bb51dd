/**
 * Kysely's SQLite dialect over Node's own `node:sqlite`, and what its errors mean. Opens nothing: the database is given.
 */
import type { DatabaseSync, SQLInputValue, StatementSync } from 'node:sqlite';
import { type Dialect, type SqliteDatabase, SqliteDialect, type SqliteStatement } from 'kysely';

/** Statements kept compiled: more than the store has, so that each is compiled once, and a bound all the same. */
const statementsMax = 256;

/** SQLITE_CONSTRAINT_PRIMARYKEY and SQLITE_CONSTRAINT_UNIQUE. @see https://sqlite.org/rescode.html */
const duplicateCodes: readonly unknown[] = [1555, 2067];

/** A dialect on an open database, which is closed with the Kysely that uses it (once that has run a statement). */
export function nodeSqliteDialect(database: DatabaseSync): Dialect {
  return new SqliteDialect({ database: adapt(database) });
}

/** Whether SQLite refused a row because one with the same key is there. */
export function isSqliteDuplicate(error: unknown): boolean {
  return error instanceof Error && 'errcode' in error && duplicateCodes.includes(error.errcode);
}

function adapt(database: DatabaseSync): SqliteDatabase {
  const cache = new Map<string, SqliteStatement>();
  return {
    prepare(sql) {
      const statement = cache.get(sql) ?? prepare(database, sql);
      cache.delete(sql);
      cache.set(sql, statement);
      const oldest = cache.keys().next();
      if (cache.size > statementsMax && !oldest.done) cache.delete(oldest.value);
      return statement;
    },
    close: () => database.close(),
  };
}

function prepare(database: DatabaseSync, sql: string): SqliteStatement {
  // A full disk or an I/O error makes SQLite roll back by itself; Kysely's own rollback would then hide that error.
  if (sql === 'rollback') return rollback(database);
  const statement = database.prepare(sql);
  return {
    reader: statement.columns().length > 0,
    all: (parameters) => statement.all(...bindable(parameters)),
    run: (parameters) => statement.run(...bindable(parameters)),
    iterate: (parameters) => iterate(statement, parameters),
  };
}

function rollback(database: DatabaseSync): SqliteStatement {
  return {
    reader: false,
    all: () => [],
    run() {
      if (database.isTransaction) database.exec('rollback');
      return { changes: 0, lastInsertRowid: 0 };
    },
    iterate: () => [].values(),
  };
}

function iterate(statement: StatementSync, parameters: readonly unknown[]): IterableIterator<unknown> {
  return statement.iterate(...bindable(parameters));
}

/** Kysely does not type parameters; node:sqlite checks each when it binds it, and throws. */
function bindable(parameters: readonly unknown[]): SQLInputValue[] {
  return parameters as SQLInputValue[];
}
