import assert from 'node:assert/strict';
import { DatabaseSync } from 'node:sqlite';
import { test } from 'node:test';
import { Kysely, sql } from 'kysely';
import { isSqliteDuplicate, nodeSqliteDialect } from './node-sqlite-dialect.ts';

interface Tables {
  words: { id: number; word: string | null; parent: number | null };
}

function openWords(): Kysely<Tables> {
  const database = new DatabaseSync(':memory:');
  database.exec(
    'CREATE TABLE words (id INTEGER PRIMARY KEY, word TEXT UNIQUE NOT NULL, parent REFERENCES words (id))',
  );
  return new Kysely<Tables>({ dialect: nodeSqliteDialect(database) });
}

test('nodeSqliteDialect() binds parameters, and tells rows from changes', async () => {
  await using db = openWords();
  const two = [
    { id: 1, word: 'one', parent: null },
    { id: 2, word: "t'wo", parent: 1 },
  ];
  const inserted = await db.insertInto('words').values(two).executeTakeFirst();
  assert.equal(inserted.numInsertedOrUpdatedRows, 2n);
  const updated = db.updateTable('words').set({ parent: 2 }).where('word', '=', "t'wo");
  assert.deepEqual(await updated.returning('id').execute(), [{ id: 2 }].map(bare));
  const rows = await db.selectFrom('words').selectAll().where('id', 'in', [1, 2]).orderBy('id').execute();
  assert.deepEqual(rows, [two[0], { ...two[1], parent: 2 }].map(bare));
});

test('nodeSqliteDialect() forgets statements, and compiles them again when they come back', async () => {
  await using db = openWords();
  const ask = async (n: number) => {
    const { rows } = await sql<{ n: number }>`select ${sql.lit(n)} as n`.execute(db);
    return rows[0]?.n;
  };
  for (let round = 0; round < 2; round++) {
    for (let n = 0; n < 600; n++) assert.equal(await ask(n), n);
  }
});

test('isSqliteDuplicate() is true for a key that is taken, and for no other constraint', async () => {
  await using db = openWords();
  const insert = (id: number, word: string | null, parent: number | null = null) =>
    db
      .insertInto('words')
      .values({ id, word, parent })
      .execute()
      .then(
        () => assert.fail('it was inserted'),
        (error: unknown) => isSqliteDuplicate(error),
      );
  await db.insertInto('words').values({ id: 1, word: 'one', parent: null }).execute();
  assert.equal(await insert(1, 'two'), true);
  assert.equal(await insert(2, 'one'), true);
  assert.equal(await insert(2, null), false);
  assert.equal(await insert(2, 'two', 9), false);
  assert.equal(isSqliteDuplicate(new Error('1555')), false);
});

/** node:sqlite's rows have no prototype. */
function bare<T extends object>(row: T | undefined): T {
  return Object.assign(Object.create(null), row);
}
