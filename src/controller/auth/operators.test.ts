import assert from 'node:assert/strict';
import { mkdtemp, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { it } from 'node:test';
import { FakeClock } from '#base/clock.ts';
import { openSqliteStore } from '#controller/store/open-store.ts';
import { encodeBase64url } from '#core/base64url.ts';
import { accessPath, findAccess, writeAccess } from './access-file.ts';
import { authenticate, createAdminToken } from './operators.ts';
import { hashSecret, randomSecret } from './secrets.ts';

it('authenticate() knows the operator of a good token, and of no other', async () => {
  await using directory = await temporaryDirectory();
  await using store = await openSqliteStore({ path: join(directory.path, 'drover.db') });
  const clock = new FakeClock();
  const token = await createAdminToken(store, clock);
  const now = clock.wallMs();
  assert.match(token, /^dvo1\.[a-z2-7]{8}\.[\w-]{43}$/);
  assert.deepEqual(await authenticate(store.read, token, now), { name: 'admin', role: 'admin' });
  const secret = token.split('.')[2];
  const others = [
    '',
    'dvo1',
    `dv1.a.${secret}`,
    `dvo1.a.${secret}.x`,
    `dvo1..${secret}`,
    `${token}A`,
    token.slice(0, -1),
  ];
  for (const other of others) assert.equal(await authenticate(store.read, other, now), undefined, other);
});

it('authenticate() refuses a token from the moment that it expires', async () => {
  await using directory = await temporaryDirectory();
  await using store = await openSqliteStore({ path: join(directory.path, 'drover.db') });
  const secret = randomSecret();
  const row = { id: 'a', operator: 'o', role: 'admin', secretHash: hashSecret(secret), createdAtMs: 1 };
  await store.transact((writer) => writer.insertOperatorToken({ ...row, expiresAtMs: 100 }));
  const token = `dvo1.a.${encodeBase64url(secret)}`;
  assert.ok(await authenticate(store.read, token, 99));
  assert.equal(await authenticate(store.read, token, 100), undefined);
});

it('writeAccess() writes what findAccess() finds, for its owner only', async () => {
  await using directory = await temporaryDirectory();
  const path = accessPath(directory.path);
  const access = { address: 'https://127.0.0.1:1', rootCertificate: 'PEM', token: 't' };
  assert.equal(await findAccess(path), undefined);
  await writeAccess(path, access);
  assert.deepEqual(await findAccess(path), access);
  assert.equal((await stat(path)).mode & 0o777, 0o600);
  await writeFile(path, '{"address":1}');
  assert.equal(await findAccess(path), undefined);
});

async function temporaryDirectory(): Promise<AsyncDisposable & { readonly path: string }> {
  const path = await mkdtemp(join(tmpdir(), 'drover-operators-'));
  return { path, [Symbol.asyncDispose]: () => rm(path, { recursive: true, force: true }) };
}
