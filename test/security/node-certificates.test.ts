/**
 * Certificates of nodes: renewed while they are good, renewable for a while when they are not, and everything that a forger, a thief or
 * a copy of a node could try with them. What stops each is said with it.
 */
import 'reflect-metadata';
import assert from 'node:assert/strict';
import { sign, X509Certificate } from 'node:crypto';
import { cp, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { after, before, describe, it } from 'node:test';
import { startAgent } from '#agent/agent.ts';
import { callController } from '#agent/call-controller.ts';
import { splitCertificates } from '#agent/identity.ts';
import type { LinkCredentials } from '#agent/session/connect-link.ts';
import { type Clock, systemClock } from '#base/clock.ts';
import { parseHostPort } from '#base/host-port.ts';
import { createLog } from '#base/log.ts';
import { generateKeys, issueController, issueIssuingCa, issueRoot } from '#controller/auth/certificates.ts';
import { encodePrivateKey } from '#controller/auth/identity-file.ts';
import { serverNames } from '#controller/auth/server-names.ts';
import { generationOf } from '#core/certificate-generation.ts';
import { NodeState } from '#protocol/gen/drover/v1/node_pb.ts';
import { renewalExporterLabel } from '#protocol/version.ts';
import { TestCluster } from '#test/fixture/cluster.ts';
import { authorityOf, certify, identityOf, renew } from '#test/fixture/renewal.ts';
import { until } from '#test/fixture/until.ts';

const dayMs = 24 * 3_600_000;

/** A clock that is so many days behind: what is certified by it is that much older. */
function daysAgo(days: number): Clock {
  return { ...systemClock, wallMs: () => Date.now() - days * dayMs };
}

describe('a node of a cluster', () => {
  it('is given a new certificate over its session at half of the life of the old one, and keeps its session', async () => {
    await using cluster = await TestCluster.start(1, { controllerClock: daysAgo(4) });
    const old = await identityOf(cluster, 'node1');
    assert.equal(generationIn(old.credentials), 1);
    await cluster.restartController();
    await until('its certificate is another', async () => {
      return generationIn((await identityOf(cluster, 'node1')).credentials) === 2;
    });
    const renewed = await identityOf(cluster, 'node1');
    assert.equal(renewed.credentials.key, old.credentials.key, 'its key never changes');
    const certificate = new X509Certificate(renewed.credentials.certificate);
    assert.ok(certificate.validToDate.getTime() > Date.now() + 6.9 * dayMs);
    await until('the controller has noted it', () => generationUsed(cluster) === 2);
    await cluster.restartController();
    await until('it is back with the new one', () => isConnected(cluster, 'node1'));
    assert.deepEqual(
      select(cluster, "select who, nodes from audit where request like '%RenewCertificate%'"),
      [{ who: 'node node1', nodes: 'node1' }],
    );
  });

  it('renews by itself a certificate that expired while it was off, when it starts', async () => {
    await using cluster = await TestCluster.start(0, { controllerClock: daysAgo(8) });
    await cluster.startNode('node1', { awaitReady: false });
    await cluster.stopNode('node1');
    const old = await identityOf(cluster, 'node1');
    assert.ok(new X509Certificate(old.credentials.certificate).validToDate.getTime() < Date.now());
    await cluster.restartController();
    await cluster.startNode('node1');
    const renewed = await identityOf(cluster, 'node1');
    assert.ok(generationIn(renewed.credentials) > generationIn(old.credentials));
    assert.equal(renewed.credentials.key, old.credentials.key);
  });

  it('ends with one line when its certificate expired more than 30 days ago', async () => {
    await using cluster = await TestCluster.start(0, { controllerClock: daysAgo(38) });
    await cluster.startNode('node1', { awaitReady: false });
    await cluster.stopNode('node1');
    await cluster.restartController();
    const agent = await cluster.startNode('node1', { awaitReady: false });
    assert.match(
      (await agent.dismissed) ?? '',
      /^the certificate of this node has expired, and the controller at \S+ says: cannot renew: the certificate expired at \S+, more than 30 days ago: remove the node and let it join again$/,
    );
  });

  it('that joined before there were generations keeps its place, and gets one with its next certificate', async () => {
    await using cluster = await TestCluster.start(1);
    await cluster.stopNode('node1');
    const { credentials } = await identityOf(cluster, 'node1');
    await cluster.controller[Symbol.asyncDispose]();
    forgetGenerations(cluster);
    await cluster.restartController();
    const old = await certify(await authorityOf(cluster, 'node-ca'), credentials, { generation: 0 });
    assert.equal(generationIn(await renewed(cluster, { ...old })), 1);
  });
});

describe('whoever has a copy of the key of a node', () => {
  it('is refused when it comes with the older certificate, and an event tells it', async () => {
    await using cluster = await TestCluster.start(1, { controllerClock: daysAgo(4) });
    await using copy = await copyNode(cluster, 'node1');
    await cluster.restartController();
    await until('the node has another certificate', () => generationUsed(cluster) === 2);
    const agent = await copy.start();
    assert.match(
      (await agent.dismissed) ?? '',
      /^a newer certificate of this node was used, so its key is in two places \(generation 1, used 2\): remove the node and let it join again$/,
    );
    assert.ok(await isConnected(cluster, 'node1'), 'the node itself was not disturbed');
    const [event] = select(cluster, "select node, data from events where kind = 'node.key-cloned'");
    assert.deepEqual(event, { node: 'node1', data: '{"shown":"1","used":"2"}' });
  });

  it('and renews first is found out when the node itself comes back', async () => {
    await using cluster = await TestCluster.start(1);
    const mine = (await identityOf(cluster, 'node1')).credentials;
    await cluster.stopNode('node1');
    const thief = await renewed(cluster, mine);
    await using copy = await copyNode(cluster, 'node1', thief);
    const agent = await copy.start();
    await agent.ready;
    const back = await cluster.startNode('node1', { awaitReady: false });
    assert.match((await back.dismissed) ?? '', /its key is in two places \(generation 1, used 2\)/);
    assert.equal(select(cluster, "select 1 from events where kind = 'node.key-cloned'").length, 1);
  });
});

describe('a renewal over the API', () => {
  let cluster: TestCluster;
  let mine: LinkCredentials;

  before(async () => {
    cluster = await TestCluster.start(2);
    mine = (await identityOf(cluster, 'node1')).credentials;
  });
  after(() => cluster[Symbol.asyncDispose]());

  async function refused(credentials: LinkCredentials, line: RegExp): Promise<void> {
    const before = generationGiven(cluster);
    await assert.rejects(renew(cluster, credentials), (error: Error) => {
      assert.match(error.message, line);
      assert.ok(!error.message.includes('\n'));
      return true;
    });
    assert.equal(generationGiven(cluster), before, 'nothing was given');
  }

  it('is given to a genuine certificate that has expired', async () => {
    const expired = await certify(await authorityOf(cluster, 'node-ca'), mine, {
      madeAtMs: Date.now() - 20 * dayMs,
    });
    assert.equal(generationIn(await renewed(cluster, expired)), 2);
  });

  it('is refused to a certificate of a self-made CA with the same names: signatures are checked up to our root', async () => {
    const ownRoot = await issueRoot('x', Date.now());
    const named = { ...(await authorityOf(cluster, 'root')), privateKey: ownRoot.privateKey };
    const ca = await issueIssuingCa(named, 'node', Date.now());
    await refused(await certify(ca, mine), /the issuing CA of the certificate is not one of this cluster$/);
  });

  it('is refused to a leaf of a self-made CA that is sent with the genuine issuing CA', async () => {
    const genuine = await authorityOf(cluster, 'node-ca');
    const forger = { ...genuine, privateKey: (await generateKeys()).privateKey };
    await refused(await certify(forger, mine), /the certificate is not one of this cluster$/);
  });

  it("is refused to a certificate that was signed by the controllers' CA: it may not certify nodes", async () => {
    await refused(
      await certify(await authorityOf(cluster, 'controller-ca'), mine),
      /the issuer of the certificate may not certify nodes$/,
    );
  });

  it('is refused to a certificate of a controller: it is for another purpose', async () => {
    const nodeCa = await authorityOf(cluster, 'node-ca');
    const server = await issueController(nodeCa, serverNames([]), Date.now());
    const certificate = `${server.certificate.toString('pem')}\n${nodeCa.certificate.toString('pem')}\n`;
    const key = await encodePrivateKey(server.privateKey);
    await refused(
      { ...mine, key, certificate },
      /the certificate is none of a node: it is for another purpose$/,
    );
  });

  it('is refused to a node that certifies itself: a leaf is no issuer', async () => {
    const leaf = splitCertificates(mine.certificate)[0]?.toString() ?? '';
    await refused(
      { ...mine, certificate: leaf + leaf },
      /the issuing CA of the certificate is not one of this cluster$/,
    );
  });

  it('is refused before the certificate is good', async () => {
    const future = await certify(await authorityOf(cluster, 'node-ca'), mine, {
      madeAtMs: Date.now() + dayMs,
    });
    await refused(future, /the certificate is good from \S+ on, and not before$/);
  });

  it('is refused more than 30 days after its end', async () => {
    const ancient = await certify(await authorityOf(cluster, 'node-ca'), mine, {
      madeAtMs: Date.now() - 38 * dayMs,
    });
    await refused(ancient, /expired at \S+, more than 30 days ago: remove the node and let it join again$/);
  });

  it('is refused to whoever shows a genuine certificate without its key', async () => {
    const { key } = (await identityOf(cluster, 'node2')).credentials;
    await refused(
      { ...mine, key },
      /its caller does not prove on this connection that it has the key of the certificate$/,
    );
  });

  it('is refused to a genuine certificate for the name of another node: the store knows which key has which name', async () => {
    const other = await certify(await authorityOf(cluster, 'node-ca'), mine, { name: 'node2' });
    await refused(other, /node node2 has another key$/);
  });

  it('is refused when its proof was made for another connection: it signs what only the two ends of one know', async () => {
    const certificates = splitCertificates(mine.certificate).map(({ raw }) => new Uint8Array(raw));
    const proof = await withConnection(async ({ connect }) => {
      const socket = await connect(AbortSignal.timeout(20_000));
      const binding = socket.exportKeyingMaterial(32, renewalExporterLabel, Buffer.alloc(0));
      return new Uint8Array(sign('sha256', binding, mine.key));
    });
    const replay = withConnection(({ client }) => client.renewCertificate({ certificates, proof }));
    await assert.rejects(replay, /does not prove on this connection that it has the key/);
  });

  it('is refused without a proof, without a certificate, and to rubbish', async () => {
    const certificates = splitCertificates(mine.certificate).map(({ raw }) => new Uint8Array(raw));
    const rubbish = new Uint8Array(500).fill(0x30);
    const proof = new Uint8Array();
    for (const [wish, line] of [
      [{ certificates, proof }, /does not prove on this connection/],
      [{ certificates: [], proof }, /a node's certificate and its issuing CA's are wanted, and nothing else/],
      [{ certificates: [rubbish, rubbish], proof }, /the certificate is malformed/],
    ] as const) {
      await assert.rejects(
        withConnection(({ client }) =>
          client.renewCertificate({ certificates: [...wish.certificates], proof }),
        ),
        line,
      );
    }
  });

  it('is refused to a node that was removed', async () => {
    const removed = (await identityOf(cluster, 'node2')).credentials;
    await cluster.connection.nodes.removeNode({ name: 'node2' });
    await refused(removed, /node node2 was removed from this cluster$/);
    const [row] = select(
      cluster,
      "select who, decision from audit where reason like '%was removed from this cluster'",
    );
    assert.deepEqual(row, { who: 'node node2', decision: 'denied' });
  });

  function withConnection<T>(call: Parameters<typeof callController<T>>[2]): Promise<T> {
    const api = parseHostPort(cluster.controller.address.slice('https://'.length));
    assert.ok(api);
    return callController(api, { ca: mine.root, rejectUnauthorized: true }, call);
  }
});

function generationIn({ certificate }: Pick<LinkCredentials, 'certificate'>): number {
  return generationOf(new X509Certificate(certificate).serialNumber);
}

async function renewed(cluster: TestCluster, credentials: LinkCredentials): Promise<LinkCredentials> {
  return { ...credentials, certificate: await renew(cluster, credentials) };
}

async function isConnected(cluster: TestCluster, name: string): Promise<boolean> {
  const { state } = await cluster.connection.nodes.getNode({ name });
  return state === NodeState.CONNECTED;
}

/** A second machine with what the node has, or with another certificate of it. */
async function copyNode(cluster: TestCluster, name: string, credentials?: LinkCredentials) {
  const resources = new AsyncDisposableStack();
  const directory = join(cluster.directory, `copy-of-${name}`);
  const identity = join(directory, 'identity');
  await cp(join(cluster.directory, name, 'identity'), identity, { recursive: true });
  if (credentials) await writeFile(join(identity, 'certificate.pem'), credentials.certificate);
  return {
    async start() {
      const agent = await startAgent(
        {
          directory,
          policyFile: join(directory, 'policy.yaml'),
          preset: 'open',
          clock: systemClock,
          log: createLog('copy', 'silent'),
        },
        AbortSignal.timeout(30_000),
      );
      return resources.use(agent);
    },
    [Symbol.asyncDispose]: () => resources.disposeAsync(),
  };
}

function generationUsed(cluster: TestCluster): number {
  return Number(select(cluster, "select generation from nodes where name = 'node1'")[0]?.['generation']);
}

function generationGiven(cluster: TestCluster): number {
  return Number(
    select(cluster, "select generation_given from nodes where name = 'node1'")[0]?.['generation_given'],
  );
}

function select(cluster: TestCluster, query: string): Record<string, unknown>[] {
  using database = open(cluster, { readOnly: true });
  return database
    .prepare(query)
    .all()
    .map((row) => ({ ...row }));
}

function forgetGenerations(cluster: TestCluster): void {
  using database = open(cluster, {});
  database.exec('update nodes set generation = 0, generation_given = 0');
}

function open(cluster: TestCluster, options: { readOnly?: boolean }): DatabaseSync & Disposable {
  const database = new DatabaseSync(join(cluster.directory, 'controller', 'drover.db'), options);
  return Object.assign(database, { [Symbol.dispose]: () => database.close() });
}
