import assert from 'node:assert/strict';
import { createHash, X509Certificate } from 'node:crypto';
import { test } from 'node:test';
import { callWithApi } from '#cli/testing/call-with-api.ts';
import { startFakeApi } from '#cli/testing/fake-api.ts';

test('ca export prints the certificate that is trusted, and ca show what it is known by', async () => {
  await using api = await startFakeApi(() => {});
  const { access } = api;
  const call = (...words: string[]) => callWithApi(() => {}, words, { access });
  const exported = await call('ca', 'export');
  assert.equal(exported.code, 0, exported.stderr);
  const certificate = new X509Certificate(exported.stdout);
  const { code, stdout } = await call('ca', 'show', '-o', 'json');
  assert.equal(code, 0);
  const shown = JSON.parse(stdout);
  const spki = certificate.publicKey.export({ type: 'spki', format: 'der' });
  assert.equal(shown.pin, createHash('sha256').update(spki).digest('base64url'));
  assert.equal(shown.fingerprint, certificate.fingerprint256);
  assert.equal(shown.until, certificate.validToDate.toISOString());
  assert.match((await call('ca', 'show')).stdout, /^pin: +\S{43}$/m);
});
