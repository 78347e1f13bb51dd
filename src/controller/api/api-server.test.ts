import assert from 'node:assert/strict';
import { request as httpsRequest } from 'node:https';
import { describe, it } from 'node:test';
import { connect as connectTls } from 'node:tls';
import { Code, type ConnectError, createClient } from '@connectrpc/connect';
import {
  ClusterService,
  ErrorDetailSchema,
  JoinService,
  NodeService,
  RunService,
  TaskService,
} from '#protocol/gen/drover/v1/api_pb.ts';
import { ApiFixture } from './testing/api-fixture.ts';

describe('startApiServer()', () => {
  it('speaks JSON over HTTP/1.1, as curl does', async () => {
    await using api = await ApiFixture.start();
    await api.addNodes('web1', 'web2');
    const { status, body } = await post(api, '/drover.v1.NodeService/ListNodes', '{"nodes":"web[1-2]"}');
    assert.equal(status, 200);
    const { nodes } = JSON.parse(body) as { nodes: { name: string; state: string }[] };
    assert.deepEqual(
      nodes.map(({ name, state }) => `${name} ${state}`),
      ['web1 NODE_STATE_CONNECTED', 'web2 NODE_STATE_CONNECTED'],
    );
  });

  it('answers errors with a reason for programs and a line for people', async () => {
    await using api = await ApiFixture.start();
    const { status, body } = await post(api, '/drover.v1.NodeService/GetNode', '{"name":"web7"}');
    assert.equal(status, 404);
    const error = JSON.parse(body) as { code: string; message: string; details: { debug: unknown }[] };
    assert.equal(error.message, 'no such node: web7');
    assert.deepEqual(error.details[0]?.debug, { reason: 'NO_SUCH_NODE', subjects: ['web7'] });
    const client = createClient(NodeService, api.transport());
    await assert.rejects(client.getNode({ name: 'web7' }), (thrown: ConnectError) => {
      assert.deepEqual(thrown.findDetails(ErrorDetailSchema)[0]?.subjects, ['web7']);
      return true;
    });
  });

  it('refuses a request over the limit: 16 KiB before the caller is known, 1 MiB after', async () => {
    await using api = await ApiFixture.start();
    const join = createClient(JoinService, api.anonymousTransport());
    await assert.rejects(
      join.join({ certificateRequest: new Uint8Array(17 << 10) }),
      (error: ConnectError) => error.code === Code.ResourceExhausted,
    );
    const nodes = createClient(NodeService, api.transport());
    await assert.rejects(
      nodes.listNodes({ nodes: 'x'.repeat(1 << 20) }),
      (error: ConnectError) => error.code === Code.ResourceExhausted,
    );
  });

  it('reads no message of a caller that it refuses', async () => {
    await using api = await ApiFixture.start();
    const { status } = await post(api, '/drover.v1.NodeService/ListNodes', 'not json', {});
    assert.equal(status, 401);
  });

  it('takes TLS 1.3 only, and knows the name controller.drover', async () => {
    await using api = await ApiFixture.start();
    const { port } = api.server;
    const ca = api.parts.authority.rootPem;
    const tls = await handshake({ port, ca, servername: 'controller.drover' });
    assert.equal(tls, 'TLSv1.3');
    await assert.rejects(handshake({ port, ca, servername: 'controller.drover', maxVersion: 'TLSv1.2' }));
    await assert.rejects(handshake({ port, ca, servername: 'example.org' }), /does not match|altnames/);
  });

  it('tells an internal failure in one public line', async () => {
    await using api = await ApiFixture.start();
    Object.assign(api.parts.dispatch, { liveness: () => assert.fail('a secret detail') });
    await api.addNodes('web1');
    await assert.rejects(createClient(NodeService, api.transport()).listNodes({}), (error: ConnectError) => {
      assert.equal(error.code, Code.Internal);
      assert.equal(error.rawMessage, "the controller failed, see the controller's log");
      return true;
    });
  });

  it('ends open streams with the reason when it stops', async () => {
    await using api = await ApiFixture.start();
    await api.addNodes('web1');
    const id = '01979c5e-7d0c-7000-8000-000000000001';
    await api.client(RunService).createRun({ id, nodes: 'web1', spec: { argv: ['x'] } });
    const follow = api
      .client(TaskService)
      .followTasks({ query: { runId: id } })
      [Symbol.asyncIterator]();
    for (let shown = 0; shown < 2; shown++) await follow.next();
    const stopped = api.server[Symbol.asyncDispose]();
    await assert.rejects(follow.next(), (error: ConnectError) => {
      assert.equal(error.code, Code.Unavailable);
      assert.equal(error.findDetails(ErrorDetailSchema)[0]?.reason, 'STOPPING');
      return true;
    });
    await stopped;
    assert.equal(api.parts.dispatch.listeners, 0);
  });

  it('answers Shutdown before it stops', async () => {
    await using api = await ApiFixture.start();
    const answer = createClient(ClusterService, api.transport()).shutdown({});
    await api.parts.stopSwitch.requested;
    await api.server[Symbol.asyncDispose]();
    assert.deepEqual((await answer).activeTasks, []);
  });
});

function post(
  api: ApiFixture,
  path: string,
  body: string,
  headers: Record<string, string> = { authorization: `Bearer ${api.adminToken}` },
): Promise<{ status: number; body: string }> {
  return new Promise((resolve, reject) => {
    const { port } = api.server;
    const ca = api.parts.authority.rootPem;
    const sent = { 'content-type': 'application/json', ...headers };
    const request = httpsRequest({
      host: '127.0.0.1',
      port,
      path,
      ca,
      method: 'POST',
      headers: sent,
      agent: false,
    });
    request.on('error', reject);
    request.on('response', async (response) => {
      const text = (await response.setEncoding('utf8').toArray()).join('');
      resolve({ status: response.statusCode ?? 0, body: text });
    });
    request.end(body);
  });
}

interface HandshakeOptions {
  readonly port: number;
  readonly ca: string;
  readonly servername: string;
  readonly maxVersion?: 'TLSv1.2';
}

function handshake(options: HandshakeOptions): Promise<string | null> {
  return new Promise((resolve, reject) => {
    const socket = connectTls({ host: '127.0.0.1', ...options }, () => {
      resolve(socket.getProtocol());
      socket.destroy();
    });
    socket.on('error', reject);
  });
}
