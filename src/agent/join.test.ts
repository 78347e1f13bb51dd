// The certificate library's decorators need it first.
import 'reflect-metadata';
import assert from 'node:assert/strict';
import { X509Certificate } from 'node:crypto';
import { test } from 'node:test';
import { Code, ConnectError } from '@connectrpc/connect';
import { Pkcs10CertificateRequest } from '@peculiar/x509';
import { ApiPeer } from '#agent/testing/api-peer.ts';
import { makeTestPki, type TestPki } from '#agent/testing/test-pki.ts';
import { ErrorDetailSchema, type JoinRequest } from '#protocol/gen/drover/v1/api_pb.ts';
import { joinCluster } from './join.ts';
import { JoinError } from './join-error.ts';

const pki = await makeTestPki();
const stranger = await makeTestPki();
const secret = new Uint8Array(32).map((_, i) => i * 7 + 1);
const never = new AbortController().signal;

const token = { id: 'abc', secret, pin: pki.pin };

/** Lets a node in as a controller does. */
async function admit({ certificateRequest, name }: JoinRequest, by: TestPki = pki) {
  const request = new Pkcs10CertificateRequest(new Uint8Array(certificateRequest));
  assert.ok(await request.verify());
  const certificate = await by.certifyNode(name, await request.publicKey.export());
  return { name, certificates: [certificate], agentAddress: ':7444', clusterId: 'cluster-1' };
}

async function joinError(joining: Promise<unknown>): Promise<JoinError> {
  const error = await joining.then(
    () => assert.fail('it joined'),
    (reason: unknown) => reason,
  );
  assert.ok(error instanceof JoinError, String(error));
  assert.ok(!error.message.includes('\n'));
  return error;
}

test('joinCluster() gets a certificate for a key of its own, on two pinned connections', async () => {
  await using peer = await ApiPeer.listen({
    identity: await pki.issueServer(),
    rootDer: pki.rootDer,
    join: admit,
  });
  const identity = await joinCluster({ token, controller: peer.address, name: 'node7' }, never);
  assert.equal(identity.name, 'node7');
  assert.equal(identity.clusterId, 'cluster-1');
  assert.deepEqual(identity.agentAddress, { host: '127.0.0.1', port: 7444 });
  assert.equal(new X509Certificate(identity.credentials.certificate).subject, 'CN=node7');
  assert.match(identity.credentials.key, /^-----BEGIN PRIVATE KEY-----/);
  assert.equal(
    new X509Certificate(identity.credentials.root).fingerprint256,
    new X509Certificate(pki.root).fingerprint256,
  );
  assert.deepEqual(peer.serverNames, ['controller.drover', 'controller.drover']);
  assert.ok(peer.saw(secret));
  assert.deepEqual(peer.joins[0]?.tokenId, 'abc');
});

test('joinCluster() never tells its secret to another cluster', async () => {
  await using peer = await ApiPeer.listen({
    identity: await stranger.issueServer(),
    rootDer: stranger.rootDer,
    join: (request) => admit(request, stranger),
  });
  const error = await joinError(joinCluster({ token, controller: peer.address, name: 'node7' }, never));
  assert.equal(
    error.message,
    `cannot join: the controller at 127.0.0.1:${peer.address.port} is not the cluster that this token was made for`,
  );
  assert.equal(peer.joins.length, 0);
  assert.ok(!peer.saw(secret));
});

const impostors: Record<string, () => ReturnType<TestPki['issueServer']>> = {
  'a certificate of his own': () => stranger.issueServer(),
  "a node's certificate": () => pki.issueNode('node3'),
  "a certificate of the cluster's for another name": () => pki.issueServer('other.drover'),
  'a certificate of his own with the genuine root in its chain': async () => {
    const own = await stranger.issueServer();
    return { key: own.key, certificate: `${own.certificate}\n${pki.root}` };
  },
};

for (const [name, makeIdentity] of Object.entries(impostors)) {
  test(`joinCluster() never tells its secret to one who shows the genuine root and ${name}`, async () => {
    await using peer = await ApiPeer.listen({
      identity: await makeIdentity(),
      rootDer: pki.rootDer,
      join: admit,
    });
    const error = await joinError(joinCluster({ token, controller: peer.address, name: 'node7' }, never));
    assert.match(error.message, /cannot prove that it is the cluster that this token was made for$/);
    assert.equal(error.denied, false);
    assert.equal(peer.joins.length, 0);
    assert.ok(!peer.saw(secret));
  });
}

for (const reason of ['TOKEN_REFUSED', 'NAME_REFUSED']) {
  test(`joinCluster() hands on that the controller said no: ${reason}`, async () => {
    await using peer = await ApiPeer.listen({
      identity: await pki.issueServer(),
      rootDer: pki.rootDer,
      join: () =>
        Promise.reject(
          new ConnectError('join token abc was used up', Code.PermissionDenied, undefined, [
            { desc: ErrorDetailSchema, value: { reason } },
          ]),
        ),
    });
    const error = await joinError(joinCluster({ token, controller: peer.address, name: 'node7' }, never));
    assert.equal(error.message, 'cannot join: join token abc was used up');
    assert.equal(error.denied, true);
  });
}

test('joinCluster() does not take a certificate for another key or name', async () => {
  const other = await pki.issueNode('node7');
  const answers = [
    async () => ({
      name: 'node7',
      certificates: [new X509Certificate(other.certificate).raw],
      agentAddress: ':1',
    }),
    async (request: JoinRequest) => ({ ...(await admit(request)), name: 'node8' }),
    async () => ({ name: 'node7', certificates: [], agentAddress: ':1' }),
    async (request: JoinRequest) => ({ ...(await admit(request)), agentAddress: 'nowhere' }),
  ];
  for (const join of answers) {
    await using peer = await ApiPeer.listen({
      identity: await pki.issueServer(),
      rootDer: pki.rootDer,
      join,
    });
    const error = await joinError(joinCluster({ token, controller: peer.address, name: 'node7' }, never));
    assert.match(error.message, /answered with what is no identity of this node$/);
  }
});

test('joinCluster() says that nobody listens, and stops when it is told to', async () => {
  const peer = await ApiPeer.listen({
    identity: await pki.issueServer(),
    rootDer: pki.rootDer,
    join: () => new Promise(() => {}),
  });
  const stop = new AbortController();
  const joining = joinCluster({ token, controller: peer.address, name: 'node7' }, stop.signal);
  const reason = new Error('stopped');
  stop.abort(reason);
  await assert.rejects(joining, reason);
  await peer[Symbol.asyncDispose]();
  const error = await joinError(joinCluster({ token, controller: peer.address, name: 'node7' }, never));
  assert.equal(
    error.message,
    `cannot reach the controller at 127.0.0.1:${peer.address.port}: connection refused`,
  );
});
