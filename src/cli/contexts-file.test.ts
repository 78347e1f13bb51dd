import assert from 'node:assert/strict';
import { statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { temporaryDirectory } from '#test/fixture/temporary-directory.ts';
import { CommandError } from './command-error.ts';
import { currentAccess, isContextName, readContexts, writeContexts } from './contexts-file.ts';

const access = { address: '192.0.2.7:7443', rootCertificate: 'PEM', token: 'secret' };

test('writeContexts() writes what readContexts() reads, for its owner only', async (t) => {
  const path = join(temporaryDirectory(t), 'drover', 'contexts.json');
  assert.deepEqual(readContexts(path), { current: undefined, byName: new Map() });
  assert.equal(currentAccess(path), undefined);
  const contexts = { current: 'lab', byName: new Map([['lab', access]]) };
  await writeContexts(path, contexts);
  assert.deepEqual(readContexts(path), contexts);
  assert.deepEqual(currentAccess(path), access);
  assert.equal(statSync(path).mode & 0o777, 0o600);
  await writeContexts(path, { ...contexts, current: undefined });
  assert.equal(currentAccess(path), undefined);
});

test('readContexts() refuses what is no file of contexts', (t) => {
  const path = join(temporaryDirectory(t), 'contexts.json');
  for (const text of ['', '{', '[]', 'null', '{"current":"a"}', '{"current":"a","contexts":{"a":{}}}']) {
    writeFileSync(path, text);
    assert.throws(() => readContexts(path), CommandError, text);
  }
});

test('isContextName() keeps the name of the cluster of this machine free', () => {
  for (const name of ['lab', '192.0.2.7:7443', 'a.example.org:1']) assert.ok(isContextName(name), name);
  for (const name of ['', 'local', '-a', 'a b', '../a']) assert.ok(!isContextName(name), name);
});
