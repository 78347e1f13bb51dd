import assert from 'node:assert/strict';
import { once } from 'node:events';
import { type AddressInfo, createServer } from 'node:net';
import { test } from 'node:test';
import { makeTestPki } from '#agent/testing/test-pki.ts';
import { renewCertificate } from './renew.ts';

const pki = await makeTestPki();
const credentials = { ...(await pki.issueNode('node1')), root: pki.root };

test('renewCertificate() stops when it is told to, while a controller says nothing', async () => {
  const silent = createServer().listen(0, '127.0.0.1');
  await once(silent, 'listening');
  const connected = once(silent, 'connection');
  const stop = new AbortController();
  const { port } = silent.address() as AddressInfo;
  const renewing = renewCertificate(credentials, { host: '127.0.0.1', port }, stop.signal);
  const [socket] = await connected;
  const reason = new Error('stopped');
  stop.abort(reason);
  await assert.rejects(renewing, reason);
  socket.destroy();
  silent.close();
});

test('renewCertificate() says in one line that nobody listens, and that this is not for good', async () => {
  const gone = createServer().listen(0, '127.0.0.1');
  await once(gone, 'listening');
  const { port } = gone.address() as AddressInfo;
  await new Promise((resolve) => gone.close(resolve));
  const renewing = renewCertificate(credentials, { host: '127.0.0.1', port }, AbortSignal.timeout(20_000));
  await assert.rejects(renewing, {
    name: 'CredentialsError',
    isFinal: false,
    message: `the certificate of this node has expired, and cannot be renewed at 127.0.0.1:${port}: connection refused`,
  });
});
