/**
 * Agents that are not who they say, say what they may not, or ask for what is not theirs. The controller takes every agent for hostile:
 * what stops each is said with it.
 */
import 'reflect-metadata';
import assert from 'node:assert/strict';
import { randomUUID, X509Certificate } from 'node:crypto';
import { connect as connectHttp2, type SecureClientSessionOptions } from 'node:http2';
import { after, before, describe, it } from 'node:test';
import { create, type DescMethodServerStreaming, type DescMethodUnary } from '@bufbuild/protobuf';
import { timestampFromMs } from '@bufbuild/protobuf/wkt';
import { Code, ConnectError } from '@connectrpc/connect';
import { createConnectTransport } from '@connectrpc/connect-node';
import { v7 } from 'uuid';
import type { LinkCredentials } from '#agent/session/connect-link.ts';
import { makeTestPki } from '#agent/testing/test-pki.ts';
import { apiServices } from '#controller/api/api-server.ts';
import { verbOf } from '#controller/api/method-verbs.ts';
import { issueController, issueIssuingCa, issueRoot } from '#controller/auth/certificates.ts';
import { encodePrivateKey } from '#controller/auth/identity-file.ts';
import { serverNames } from '#controller/auth/server-names.ts';
import { TestAgent } from '#controller/dispatch/testing/test-agent.ts';
import { NodeState } from '#protocol/gen/drover/v1/node_pb.ts';
import { Verb } from '#protocol/gen/drover/v1/options_pb.ts';
import { TaskState } from '#protocol/gen/drover/v1/task_pb.ts';
import { controllerServerName } from '#protocol/version.ts';
import { TestCluster } from '#test/fixture/cluster.ts';
import { authorityOf, certify, identityOf } from '#test/fixture/renewal.ts';
import { until } from '#test/fixture/until.ts';

describe('an agent', () => {
  let cluster: TestCluster;
  let mallory: LinkCredentials;

  /** node1 is a node like others; mallory has joined too, and does what it likes. */
  before(async () => {
    cluster = await TestCluster.start(1);
    await cluster.startNode('mallory');
    mallory = (await identityOf(cluster, 'mallory')).credentials;
    await cluster.stopNode('mallory');
  });
  after(() => cluster[Symbol.asyncDispose]());

  function connect({ key, certificate, root }: LinkCredentials): TestAgent {
    const fingerprint = new X509Certificate(certificate).fingerprint256;
    return TestAgent.connect(cluster.controller.agentAddress, {
      cert: certificate,
      key,
      ca: root,
      fingerprint,
    });
  }

  /** Whether the listener cuts who comes so, before anything is heard of him. */
  async function isCut(options: SecureClientSessionOptions): Promise<boolean> {
    const connection = connectHttp2(`https://${cluster.controller.agentAddress}`, {
      ca: mallory.root,
      servername: controllerServerName,
      ...options,
    });
    connection.on('error', () => {});
    const stream = connection.request({
      ':method': 'POST',
      ':path': '/drover.v1.AgentLinkService/Session',
      'content-type': 'application/grpc+proto',
    });
    const answered = await new Promise<boolean>((resolve) => {
      stream.on('error', () => resolve(false)).once('close', () => resolve(false));
      stream.once('response', () => resolve(true));
    });
    connection.destroy();
    return !answered;
  }

  const withChain = ({ key, certificate }: LinkCredentials) => ({ key, cert: certificate });

  it('without a certificate, or with one of a stranger, is cut in the handshake', async () => {
    assert.equal(await isCut({}), true);
    const stranger = await (await makeTestPki()).issueNode('node1');
    assert.equal(await isCut({ key: stranger.key, cert: stranger.certificate }), true);
    assert.equal(await isCut(withChain(mallory)), false, 'who has joined is heard');
  });

  it('with a certificate of a self-made CA of the same names is cut in the handshake', async () => {
    const own = await issueRoot('x', Date.now());
    const named = { ...(await authorityOf(cluster, 'root')), privateKey: own.privateKey };
    const ca = await issueIssuingCa(named, 'node', Date.now());
    assert.equal(await isCut(withChain(await certify(ca, mallory, { name: 'node1' }))), true);
  });

  it("with a controller's certificate is cut in the handshake: it is not for clients", async () => {
    const ca = await authorityOf(cluster, 'controller-ca');
    const server = await issueController(ca, serverNames([]), Date.now());
    const cert = `${server.certificate.toString('pem')}\n${ca.certificate.toString('pem')}\n`;
    assert.equal(await isCut({ key: await encodePrivateKey(server.privateKey), cert }), true);
    assert.equal(
      await isCut(withChain(await certify(ca, mallory))),
      true,
      "nor is what the controllers' CA signs",
    );
  });

  it('with a certificate that has expired or is not good yet is cut in the handshake', async () => {
    const ca = await authorityOf(cluster, 'node-ca');
    const dayMs = 86_400_000;
    for (const madeAtMs of [Date.now() - 8 * dayMs, Date.now() + dayMs]) {
      assert.equal(await isCut(withChain(await certify(ca, mallory, { name: 'mallory', madeAtMs }))), true);
    }
  });

  it('with TLS 1.2 is cut in the handshake', async () => {
    assert.equal(await isCut({ ...withChain(mallory), maxVersion: 'TLSv1.2' }), true);
  });

  it("with a genuine certificate for another node's name and its own key is sent away: the store knows whose key is whose", async () => {
    await using agent = connect(
      await certify(await authorityOf(cluster, 'node-ca'), mallory, { name: 'node1' }),
    );
    agent.hello();
    const { reason, final } = await agent.next('goodbye');
    assert.deepEqual([reason, final], ['this controller knows no such node with this key', true]);
    const { state } = await cluster.connection.nodes.getNode({ name: 'node1' });
    assert.equal(state, NodeState.CONNECTED, 'the genuine one was not disturbed');
  });

  it('that tells of a task of another node changes nothing of it', async () => {
    const spec = { argv: ['sleep', '60'] };
    const { tasks } = await cluster.connection.runs.createRun({ id: v7(), nodes: 'node1', spec });
    const id = tasks[0]?.id ?? '';
    const look = () => cluster.connection.tasks.getTask({ ref: id });
    await until('it runs', async () => (await look()).state === TaskState.RUNNING);
    const before = await look();
    await using agent = await TestAgent.join(cluster.controller.agentAddress, asTestIdentity(mallory));
    agent.event(1, id, {
      state: TaskState.ENDED,
      endedAt: timestampFromMs(Date.now()),
      outcome: { kind: { case: 'exited', value: { code: 0 } } },
    });
    await agent.next('ack');
    assert.deepEqual(await look(), before);
  });

  it('that answers what it was not asked is cut', async () => {
    await using agent = await TestAgent.join(cluster.controller.agentAddress, asTestIdentity(mallory));
    agent.send({ case: 'result', value: { commandId: 4711n, pid: 1 } });
    await agent.closed;
  });

  it('opens no stream that nobody asked it for', async () => {
    await using agent = await TestAgent.join(cluster.controller.agentAddress, asTestIdentity(mallory));
    const status = await new Promise((resolve) => {
      agent
        .request('Push', { 'drover-stream': '1' })
        .on('response', (answer) => resolve(answer['grpc-status']));
    });
    assert.equal(status, '5');
  });

  it('finds no other method where agents connect: the public API is not served there', async () => {
    const connection = connectHttp2(`https://${cluster.controller.agentAddress}`, {
      ...withChain(mallory),
      ca: mallory.root,
      servername: controllerServerName,
    });
    for (const service of apiServices) {
      for (const { name } of service.methods) {
        const stream = connection.request({
          ':method': 'POST',
          ':path': `/${service.typeName}/${name}`,
          'content-type': 'application/grpc+proto',
        });
        const status = await new Promise((resolve) => {
          stream.once('response', (answer) => resolve(answer[':status'])).on('error', resolve);
        });
        stream.destroy();
        assert.equal(status, 404, name);
      }
    }
    connection.destroy();
  });

  it('is nobody to the public API, whatever certificate it shows there: operators have tokens', async () => {
    const transport = createConnectTransport({
      httpVersion: '2',
      baseUrl: cluster.controller.address,
      nodeOptions: { ...withChain(mallory), ca: mallory.root },
    });
    for (const service of apiServices) {
      for (const method of service.methods) {
        if (verbOf(method) === Verb.ANYONE) continue;
        const code = await codeOf(async () => {
          if (method.methodKind === 'unary') {
            await transport.unary(
              method as DescMethodUnary,
              undefined,
              undefined,
              undefined,
              create(method.input),
            );
          } else {
            const none = (async function* () {})();
            const { message } = await transport.stream(
              method as DescMethodServerStreaming,
              undefined,
              undefined,
              undefined,
              none,
            );
            for await (const _ of message);
          }
        });
        assert.equal(code, Code.Unauthenticated, method.name);
      }
    }
  });

  it('that was removed is cut within 5 s and never let in again', async () => {
    const gone = await cluster.startNode('goner');
    await using agent = connect((await identityOf(cluster, 'goner')).credentials);
    const atMs = performance.now();
    await cluster.connection.nodes.removeNode({ name: 'goner' });
    assert.equal(await gone.dismissed, 'this node was removed from its cluster');
    assert.ok(performance.now() - atMs < 5_000);
    agent.hello();
    assert.equal((await agent.next('goodbye')).final, true);
  });
});

function asTestIdentity({ key, certificate, root }: LinkCredentials) {
  return { cert: certificate, key, ca: root, fingerprint: randomUUID() };
}

async function codeOf(call: () => Promise<void>): Promise<Code | undefined> {
  try {
    await call();
    return undefined;
  } catch (error) {
    return ConnectError.from(error).code;
  }
}
