import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { parseAccess, readAccess } from './access-file.ts';
import { CommandError } from './command-error.ts';

const content = { address: 'https://127.0.0.1:7443', rootCertificate: 'PEM', token: 'secret' };
const access = { ...content, address: '127.0.0.1:7443' };

test('readAccess() looks in the directory, then in that of its controller', (t) => {
  const directory = mkdtempSync(join(tmpdir(), 'drover-'));
  t.after(() => rmSync(directory, { recursive: true }));
  assert.throws(
    () => readAccess(directory),
    new CommandError(
      1,
      `no cluster in ${directory}: start one with drover up, or name its directory with --data`,
    ),
  );
  mkdirSync(join(directory, 'controller'));
  writeFileSync(join(directory, 'controller', 'access.json'), JSON.stringify(content));
  assert.deepEqual(readAccess(directory), access);
});

for (const text of ['', '{', '[]', 'null', '{"address":"x"}']) {
  test(`parseAccess() refuses ${JSON.stringify(text)}`, () => {
    assert.throws(() => parseAccess(text, '/a'), CommandError);
  });
}
