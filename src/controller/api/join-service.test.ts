import 'reflect-metadata';
import assert from 'node:assert/strict';
import { createHash, X509Certificate } from 'node:crypto';
import { it } from 'node:test';
import { Code, type ConnectError, createClient } from '@connectrpc/connect';
import { makeNodeKey } from '#controller/auth/testing/node-key.ts';
import { parseJoinToken } from '#core/join-token.ts';
import { ErrorDetailSchema, JoinService, JoinTokenService } from '#protocol/gen/drover/v1/api_pb.ts';
import { ApiFixture } from './testing/api-fixture.ts';

it('a node joins with a token: root, pin, certificate, where to go', async () => {
  await using api = await ApiFixture.start();
  const made = await api
    .client(JoinTokenService)
    .createJoinToken({ names: 'web[1-9]', labels: { role: 'web' } });
  const token = parseJoinToken(made.token);
  const join = createClient(JoinService, api.anonymousTransport());
  const { rootCertificate } = await join.getRoot({});
  const root = new X509Certificate(rootCertificate);
  const spki = root.publicKey.export({ type: 'spki', format: 'der' });
  assert.deepEqual(createHash('sha256').update(spki).digest(), Buffer.from(token.pin));

  const { request: certificateRequest } = await makeNodeKey();
  const request = { tokenId: token.id, secret: token.secret, name: 'web1', certificateRequest };
  const answer = await join.join(request);
  assert.deepEqual([answer.name, answer.agentAddress], ['web1', ':7444']);
  assert.equal(answer.clusterId, await api.parts.store.read.clusterId());
  const [leaf, issuing] = answer.certificates.map((der) => new X509Certificate(der));
  assert.ok(leaf && issuing && leaf.verify(issuing.publicKey) && issuing.verify(root.publicKey));
  assert.deepEqual({ ...(await api.parts.store.read.findNode('web1'))?.labels }, { role: 'web' });

  for (let i = 0; i < 3; i++) {
    await assert.rejects(join.join({ ...request, name: 'web2' }), (error: ConnectError) => {
      assert.equal(error.code, Code.PermissionDenied);
      assert.equal(error.findDetails(ErrorDetailSchema)[0]?.reason, 'TOKEN_REFUSED');
      return true;
    });
  }
  await assert.rejects(join.join({ ...request, tokenId: 'nosuchid' }));
  const denied = (await api.parts.store.read.listAudit(0, 10)).filter((row) => row.decision === 'denied');
  // Once: what is tried again within a minute is counted. And nothing of tokens that there are not.
  assert.deepEqual(
    denied.map((row) => [row.who, row.nodes, row.reason]),
    [[`join-token ${token.id}`, 'web2', `join token ${token.id} is used up`]],
  );
});

it('join tokens are listed without their secret until they are used up, expired or revoked', async () => {
  await using api = await ApiFixture.start();
  const client = api.client(JoinTokenService);
  const { recorded, token } = await client.createJoinToken({ uses: 5, ttlSeconds: 60 });
  await api.parts.clock.advance(1_000);
  const second = await client.createJoinToken({});
  const { tokens } = await client.listJoinTokens({});
  assert.deepEqual(
    tokens.map((listed) => [listed.id, listed.usesLeft, listed.createdBy]),
    [
      [second.recorded?.id, 1, 'admin'],
      [recorded?.id, 5, 'admin'],
    ],
  );
  const shown = JSON.stringify(tokens, (_, value) => (typeof value === 'bigint' ? String(value) : value));
  assert.ok(!shown.includes(token.split('.')[2] ?? '-'));
  await client.revokeJoinToken({ id: second.recorded?.id ?? '' });
  await assert.rejects(client.revokeJoinToken({ id: second.recorded?.id ?? '' }), { code: Code.NotFound });
  await api.parts.clock.advance(60_000);
  assert.deepEqual((await client.listJoinTokens({})).tokens, []);
});
