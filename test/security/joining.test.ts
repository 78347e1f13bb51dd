/**
 * Joining: what a stolen, replayed, guessed or twisted token could do, and what somebody who stands in for the controller could learn.
 * What stops each is said with it.
 */
import 'reflect-metadata';
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { readdir, readFile } from 'node:fs/promises';
import { createSecureServer } from 'node:http2';
import { type AddressInfo, connect as connectTcp } from 'node:net';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { connect as connectTls } from 'node:tls';
import type { MessageInitShape } from '@bufbuild/protobuf';
import { joinCluster } from '#agent/join.ts';
import { ApiPeer } from '#agent/testing/api-peer.ts';
import { makeTestPki, type TestIdentity } from '#agent/testing/test-pki.ts';
import { type HostPort, parseHostPort } from '#base/host-port.ts';
import { issueController } from '#controller/auth/certificates.ts';
import { encodePrivateKey } from '#controller/auth/identity-file.ts';
import { serverNames } from '#controller/auth/server-names.ts';
import { type JoinToken, parseJoinToken } from '#core/join-token.ts';
import type { CreateJoinTokenRequestSchema } from '#protocol/gen/drover/v1/api_pb.ts';
import { controllerServerName } from '#protocol/version.ts';
import { TestCluster } from '#test/fixture/cluster.ts';
import { authorityOf, identityOf } from '#test/fixture/renewal.ts';

const never = new AbortController().signal;

describe('a join token', () => {
  let cluster: TestCluster;
  let api: HostPort;

  before(async () => {
    cluster = await TestCluster.start(0);
    const address = parseHostPort(cluster.controller.address.slice('https://'.length));
    assert.ok(address);
    api = address;
  });
  after(() => cluster[Symbol.asyncDispose]());

  async function token(wish: MessageInitShape<typeof CreateJoinTokenRequestSchema> = {}): Promise<JoinToken> {
    return parseJoinToken((await cluster.connection.joinTokens.createJoinToken(wish)).token);
  }

  const joinAs = (name: string, by: JoinToken, controller = api) =>
    joinCluster({ token: by, controller, name }, never);

  async function names(): Promise<string[]> {
    const found: string[] = [];
    for await (const { nodes } of listNodes()) found.push(...nodes.map((node) => node.name));
    return found;
  }

  async function* listNodes() {
    yield await cluster.connection.nodes.listNodes({});
  }

  it('lets one of a hundred in that come with it at once: one conditional update takes the use', async () => {
    const one = await token({ names: 'herd[1-100]' });
    const tries = Array.from({ length: 100 }, (_, i) => joinAs(`herd${i + 1}`, one));
    const results = await Promise.allSettled(tries);
    assert.equal(results.filter(({ status }) => status === 'fulfilled').length, 1);
    const lines = new Set(
      results.flatMap((result) => ('reason' in result ? [String(result.reason.message)] : [])),
    );
    assert.deepEqual([...lines], [`cannot join: join token ${one.id} is used up`]);
    assert.equal((await names()).filter((name) => name.startsWith('herd')).length, 1);
  });

  it('lets as many in as it was made for, and no more', async () => {
    const three = await token({ names: 'fleet[1-9]', uses: 3 });
    const results = await Promise.allSettled(
      Array.from({ length: 9 }, (_, i) => joinAs(`fleet${i + 1}`, three)),
    );
    assert.equal(results.filter(({ status }) => status === 'fulfilled').length, 3);
  });

  it('that was used is worth nothing to who steals or replays it', async () => {
    const used = await token();
    await joinAs('first', used);
    await assert.rejects(joinAs('second', used), {
      message: `cannot join: join token ${used.id} is used up`,
    });
    await assert.rejects(joinAs('first', used), { message: `cannot join: join token ${used.id} is used up` });
  });

  it('that was stolen is worth nothing once it is revoked', async () => {
    const stolen = await token();
    await cluster.connection.joinTokens.revokeJoinToken({ id: stolen.id });
    const message = 'cannot join: the join token is not one of this cluster, or was revoked';
    await assert.rejects(joinAs('thief', stolen), { message });
  });

  it('lets nobody take another name or other labels than it says: the node is not asked', async () => {
    const web = await token({ names: 'web[1-3]', labels: { role: 'web' }, uses: 2 });
    const message = `cannot join: join token ${web.id} does not allow the name db1, only web[1-3]`;
    await assert.rejects(joinAs('db1', web), { message });
    await joinAs('web1', web);
    const { labels } = await cluster.connection.nodes.getNode({ name: 'web1' });
    assert.deepEqual(labels, { role: 'web' });
    await assert.rejects(joinAs('web1', web), { message: 'cannot join: another node has the name web1' });
  });

  it('with a guessed secret is refused in the same words as one that never was', async () => {
    const real = await token();
    const message = 'cannot join: the join token is not one of this cluster, or was revoked';
    await assert.rejects(joinAs('guess', { ...real, secret: new Uint8Array(32) }), { message });
    await assert.rejects(joinAs('guess', { ...real, id: 'nosuchid' }), { message });
    await assert.rejects(joinAs('guess', { ...real, secret: new Uint8Array(31) }), { message });
    await joinAs('guess', real);
  });

  it('lives for an hour unless its maker says otherwise, and for a day at the most', async () => {
    const { recorded } = await cluster.connection.joinTokens.createJoinToken({});
    assert.equal(Number(recorded?.expiresAt?.seconds) - Number(recorded?.createdAt?.seconds), 3_600);
    await token({ ttlSeconds: 86_400 });
    await assert.rejects(token({ ttlSeconds: 86_401 }), /can live for 86400 s at the most, not 86401 s/);
  });

  it('leaves its secret nowhere on the disk of the controller: only a hash is kept', async () => {
    const { token: text } = await cluster.connection.joinTokens.createJoinToken({});
    const { secret } = parseJoinToken(text);
    const encoded = text.split('.')[2] ?? '';
    const directory = join(cluster.directory, 'controller');
    for (const name of await readdir(directory, { recursive: true })) {
      const content = await readFile(join(directory, name)).catch(() => Buffer.alloc(0));
      assert.ok(!content.includes(Buffer.from(secret)), name);
      assert.ok(!content.includes(encoded), name);
      assert.ok(!content.includes(Buffer.from(secret).toString('hex')), name);
    }
  });

  it('with a wrong pin keeps the node from sending the secret at all', async () => {
    const twisted = { ...(await token()), pin: new Uint8Array(32) };
    await assert.rejects(joinAs('pinned', twisted), {
      message: `cannot join: the controller at 127.0.0.1:${api.port} is not the cluster that this token was made for`,
    });
    await joinAs('pinned', await token());
  });

  /** Somebody in the middle with `identity`, who hands out the genuine root. */
  async function learnsNothing(identity: TestIdentity, line: RegExp): Promise<void> {
    const mine = await token();
    const root = await authorityOf(cluster, 'root');
    await using peer = await ApiPeer.listen({
      identity,
      rootDer: new Uint8Array(root.certificate.rawData),
      join: () => Promise.reject(new Error('nobody was to come so far')),
    });
    await assert.rejects(joinAs('victim', mine, peer.address), { message: line });
    assert.equal(peer.joins.length, 0);
    assert.ok(!peer.saw(mine.secret));
  }

  const proves = /cannot prove that it is the cluster that this token was made for$/;

  it('is not sent to who shows a certificate of his own beneath the genuine public root', async () => {
    const root = await authorityOf(cluster, 'root');
    const own = await (await makeTestPki()).issueServer();
    const certificate = `${own.certificate}\n${root.certificate.toString('pem')}\n`;
    await learnsNothing({ ...own, certificate }, proves);
  });

  it('is not sent to a node that shows its own certificate: it is good for clients, and for another name', async () => {
    await joinAs('traitor', await token());
    const { credentials } = await joinAs('traitor2', await token());
    await learnsNothing(credentials, proves);
  });

  it("is not sent to who has a server's certificate by the nodes' CA: each CA has one purpose", async () => {
    const nodeCa = await authorityOf(cluster, 'node-ca');
    const forged = await issueController(nodeCa, serverNames([]), Date.now());
    const certificate = `${forged.certificate.toString('pem')}\n${nodeCa.certificate.toString('pem')}\n`;
    await learnsNothing({ key: await encodePrivateKey(forged.privateKey), certificate }, proves);
  });

  it('is not sent over TLS 1.2', async () => {
    const { key, certificate } = await (await makeTestPki()).issueServer();
    const server = createSecureServer({ key, cert: certificate, maxVersion: 'TLSv1.2' });
    server.on('sessionError', () => {});
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo;
    const joining = joinAs('old', await token(), { host: '127.0.0.1', port });
    await assert.rejects(joining, {
      message: `cannot reach the controller at 127.0.0.1:${port}: it does not speak TLS 1.3`,
    });
    server.close();
  });

  it('cannot be brought over TLS 1.2 or in the clear either: both listeners speak TLS 1.3 alone', async () => {
    const agents = parseHostPort(cluster.controller.agentAddress);
    assert.ok(agents);
    for (const { host, port } of [api, agents]) {
      const old = connectTls({
        host,
        port,
        rejectUnauthorized: false,
        maxVersion: 'TLSv1.2',
        servername: controllerServerName,
      });
      const [error] = await once(old, 'error');
      assert.match((error as NodeJS.ErrnoException).code ?? '', /PROTOCOL_VERSION|ECONNRESET/);
      const clear = connectTcp({ host, port })
        .on('error', () => {})
        .resume();
      clear.write('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n');
      await once(clear, 'close');
    }
  });

  it("leaves the node's key on the node: the controller has its hash and its certificate", async () => {
    await cluster.startNode('keeper');
    const { credentials } = await identityOf(cluster, 'keeper');
    const body = credentials.key.split('\n')[1] ?? '';
    assert.ok(body.length > 40);
    const directory = join(cluster.directory, 'controller');
    for (const name of await readdir(directory, { recursive: true })) {
      const content = await readFile(join(directory, name)).catch(() => Buffer.alloc(0));
      assert.ok(!content.includes(body), name);
    }
  });
});
