import assert from 'node:assert/strict';
import { stat, writeFile } from 'node:fs/promises';
import { it } from 'node:test';
import { temporaryDirectory } from '#test/fixture/temporary-directory.ts';
import { accessPath, findAccess, writeAccess } from './access-file.ts';

it('writeAccess() writes what findAccess() finds, for its owner only', async (t) => {
  const path = accessPath(temporaryDirectory(t));
  const access = { address: 'https://127.0.0.1:1', rootCertificate: 'PEM', token: 't' };
  assert.equal(await findAccess(path), undefined);
  await writeAccess(path, access);
  assert.deepEqual(await findAccess(path), access);
  assert.equal((await stat(path)).mode & 0o777, 0o600);
  await writeFile(path, '{"address":1}');
  assert.equal(await findAccess(path), undefined);
});
