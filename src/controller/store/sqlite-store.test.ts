import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { test } from 'node:test';
import type { StoreFixture } from './contract/fixture.ts';
import { auditRecord, nodeRecord, rejectsWith } from './contract/records.ts';
import { openSqliteStore } from './open-store.ts';
import { StoreError } from './store.ts';
import { describeStore } from './store-contract.ts';

/** A path for a database in a directory that goes when this is disposed of. */
async function temporaryPath(): Promise<AsyncDisposable & { path: string }> {
  const directory = await mkdtemp(join(tmpdir(), 'drover-store-'));
  return {
    path: join(directory, 'data', 'controller.db'),
    [Symbol.asyncDispose]: () => rm(directory, { recursive: true, force: true }),
  };
}

describeStore('SQLite', async (): Promise<StoreFixture> => {
  const { path, [Symbol.asyncDispose]: dispose } = await temporaryPath();
  return {
    open: () => openSqliteStore({ path }),
    crashWriter: [
      '--disable-warning=ExperimentalWarning',
      join(import.meta.dirname, 'crash-writer.ts'),
      path,
    ],
    [Symbol.asyncDispose]: dispose,
  };
});

test('openSqliteStore() makes the file 0600 and its directory 0700', async () => {
  await using place = await temporaryPath();
  await using store = await openSqliteStore(place);
  await store.transact((writer) => writer.insertNode(nodeRecord('web1')));
  const mode = async (path: string) => ((await stat(path)).mode & 0o777).toString(8);
  assert.equal(await mode(join(place.path, '..')), '700');
  for (const suffix of ['', '-wal', '-shm']) assert.equal(await mode(`${place.path}${suffix}`), '600');
});

test('openSqliteStore() makes users of those who had a token before there were users', async () => {
  await using place = await temporaryPath();
  await (await openSqliteStore(place))[Symbol.asyncDispose]();
  const before = new DatabaseSync(place.path);
  before.exec(`
    DROP TABLE user_tokens; DROP TABLE users; DROP TABLE roles;
    ALTER TABLE nodes DROP COLUMN generation; ALTER TABLE nodes DROP COLUMN generation_given;
    DELETE FROM kysely_migration WHERE name >= '0006';
    CREATE TABLE operator_tokens (id, operator, role, secret_hash, created_at, expires_at);
    INSERT INTO operator_tokens VALUES ('t1', 'admin', 'admin', 'h1', 5, NULL), ('t2', 'admin', 'admin', 'h2', 6, 9);
  `);
  before.close();
  await using store = await openSqliteStore(place);
  const user = {
    name: 'admin',
    roles: ['admin'],
    disabled: false,
    subject: '',
    createdBy: '',
    createdAtMs: 5,
  };
  assert.deepEqual(await store.read.listUsers(), [user]);
  const tokens = await store.read.listUserTokens('admin', 7);
  assert.deepEqual(
    tokens.map(({ id, secretHash, expiresAtMs }) => [id, secretHash, expiresAtMs]),
    [
      ['t2', 'h2', 9],
      ['t1', 'h1', undefined],
    ],
  );
});

test('openSqliteStore() refuses a database of a newer version and leaves it as it was', async () => {
  await using place = await temporaryPath();
  await (await openSqliteStore(place))[Symbol.asyncDispose]();
  const newer = new DatabaseSync(place.path);
  newer.exec(`INSERT INTO kysely_migration VALUES ('9999-future', '2999-01-01T00:00:00.000Z')`);
  newer.close();
  const before = await readFile(place.path);
  await assert.rejects(openSqliteStore(place), (error) => {
    assert.ok(error instanceof StoreError);
    assert.equal(error.reason, 'newer');
    assert.ok(error.message.includes(place.path) && error.message.includes('9999-future'));
    assert.ok(!error.message.includes('\n'));
    return true;
  });
  assert.deepEqual(await readFile(place.path), before);
});

test('openSqliteStore() says which file is no database, or cannot be one', async () => {
  await using place = await temporaryPath();
  await (await openSqliteStore(place))[Symbol.asyncDispose]();
  await writeFile(place.path, 'this is not a database, but it is long enough to be taken for one'.repeat(20));
  await rejectsWith(openSqliteStore(place), 'failed');
  await assert.rejects(openSqliteStore(place), { message: `could not open the database ${place.path}` });
  await rejectsWith(openSqliteStore({ path: join(place.path, 'below') }), 'failed');
});

test('openSqliteStore() makes none in place of one that is lost', async () => {
  await using place = await temporaryPath();
  const lost = /^the database .* is lost, though this controller had one: /;
  const mustBeThere = true;
  await assert.rejects(openSqliteStore({ ...place, mustBeThere }), { name: 'StoreError', message: lost });
  await (await openSqliteStore(place))[Symbol.asyncDispose]();
  await (await openSqliteStore({ ...place, mustBeThere }))[Symbol.asyncDispose]();
  await writeFile(place.path, '');
  await assert.rejects(openSqliteStore({ ...place, mustBeThere }), { name: 'StoreError', message: lost });
});

test('transact() keeps the cause of a failure, and the store goes on', async () => {
  await using place = await temporaryPath();
  await using store = await openSqliteStore(place);
  const blocker = new DatabaseSync(place.path);
  blocker.exec("CREATE TRIGGER full BEFORE INSERT ON nodes BEGIN SELECT RAISE(ROLLBACK, 'disk full'); END");
  const failing = store.transact(async (writer) => {
    await writer.insertAudit(auditRecord('-'));
    await writer.insertNode(nodeRecord('web1'));
  });
  await assert.rejects(failing, (error) => {
    assert.ok(error instanceof StoreError);
    assert.equal(error.message, 'could not record node web1');
    assert.match(String(error.cause), /disk full/);
    return true;
  });
  blocker.exec('DROP TRIGGER full');
  blocker.close();
  await store.transact((writer) => writer.insertNode(nodeRecord('web1')));
  assert.deepEqual(await store.read.listAudit(0, 10), []);
  assert.equal((await store.read.listNodes()).length, 1);
});
