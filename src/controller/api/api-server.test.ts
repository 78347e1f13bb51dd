import assert from 'node:assert/strict';
import { request as httpsRequest } from 'node:https';
import { after, before, describe, it } from 'node:test';
import { connect as connectTls } from 'node:tls';
import {
  type DescMethod,
  type DescMethodServerStreaming,
  type DescMethodUnary,
  fromJson,
} from '@bufbuild/protobuf';
import { Code, ConnectError, createClient, type Transport } from '@connectrpc/connect';
import { hashSecret, randomSecret } from '#controller/auth/secrets.ts';
import { encodeBase64url } from '#core/base64url.ts';
import {
  ClusterService,
  ErrorDetailSchema,
  JoinService,
  NodeService,
  RunService,
  TaskService,
} from '#protocol/gen/drover/v1/api_pb.ts';
import { Verb } from '#protocol/gen/drover/v1/options_pb.ts';
import { apiServices } from './api-server.ts';
import { methodName, verbOf } from './method-verbs.ts';
import { ApiFixture } from './testing/api-fixture.ts';

/** A request for each method, as JSON, and the code with which admin is answered; undefined for success. */
const rows: Readonly<Record<string, readonly [request: object, admin: Code | undefined]>> = {
  'NodeService/ListNodes': [{}, undefined],
  'NodeService/GetNode': [{ name: 'web1' }, undefined],
  'NodeService/GetNodeUsage': [{}, undefined],
  'NodeService/LabelNodes': [{ nodes: 'web1', set: { a: 'b' } }, undefined],
  'NodeService/DrainNodes': [{ nodes: 'web9', reason: 'disk' }, Code.NotFound],
  'NodeService/ResumeNodes': [{ nodes: 'web1' }, undefined],
  'NodeService/RemoveNode': [{ name: 'web9' }, Code.NotFound],
  'RunService/CreateRun': [
    { id: '01979c5e-7d0c-7000-8000-000000000001', nodes: 'web1', spec: { argv: ['true'] } },
    undefined,
  ],
  'RunService/GetRun': [{ id: '01979c5e-7d0c-7000-8000-00000000ffff' }, Code.NotFound],
  'RunService/ListRuns': [{}, undefined],
  'TaskService/ListTasks': [{}, undefined],
  'TaskService/GetTask': [{ ref: 'nosuchtask' }, Code.NotFound],
  'TaskService/SignalTasks': [{ query: { refs: ['nosuchtask'] }, signal: 'TERM' }, Code.NotFound],
  'TaskService/StopTasks': [{ query: { refs: ['nosuchtask'] } }, Code.NotFound],
  'TaskService/FollowTasks': [{ query: { refs: ['nosuchtask'] } }, Code.NotFound],
  'TaskService/SampleTasks': [{}, undefined],
  'TaskService/WriteInput': [{ target: { query: { refs: ['nosuchtask'] } } }, Code.NotFound],
  'TaskService/ReadLogs': [{ query: { refs: ['nosuchtask'] } }, Code.NotFound],
  'FileService/CopyToNodes': [{ target: { target: { nodes: 'web9' }, put: {} } }, Code.NotFound],
  'FileService/CopyFromNodes': [{ target: { target: { nodes: 'web1' }, get: {} } }, Code.InvalidArgument],
  'FileService/ListFiles': [{ target: { nodes: 'web1' }, list: {} }, undefined],
  'FileService/ReadFile': [{ target: { nodes: 'web1' }, read: {} }, Code.InvalidArgument],
  'FileService/MakeDirectories': [{ target: { nodes: 'web1' }, make: { paths: ['a'] } }, undefined],
  'FileService/MoveFile': [{ target: { nodes: 'web9' }, move: { from: 'a', to: 'b' } }, Code.NotFound],
  'FileService/RemoveFiles': [{ target: {}, remove: { paths: ['a'] } }, Code.InvalidArgument],
  'ClusterService/GetCluster': [{}, undefined],
  'ClusterService/Shutdown': [{}, undefined],
  'JoinService/GetRoot': [{}, undefined],
  'JoinService/Join': [{ name: 'web9' }, Code.InvalidArgument],
  'JoinTokenService/CreateJoinToken': [{}, undefined],
  'JoinTokenService/ListJoinTokens': [{}, undefined],
  'JoinTokenService/RevokeJoinToken': [{ id: 'none' }, Code.NotFound],
  'EventService/ListEvents': [{}, undefined],
  'EventService/FollowEvents': [{}, undefined],
  'AuditService/ListAudit': [{}, undefined],
  'AuditService/FollowAudit': [{}, undefined],
};

const methods = apiServices.flatMap((service) => service.methods as readonly DescMethod[]);

describe('every method of the API', () => {
  let api: ApiFixture;
  let viewerToken: string;
  before(async () => {
    api = await ApiFixture.start();
    await api.addNodes('web1');
    viewerToken = await addOperator(api, 'vera', 'viewer');
  });
  after(() => api[Symbol.asyncDispose]());

  it('has a row in this table, and each row a method', () => {
    assert.deepEqual(Object.keys(rows).sort(), methods.map(shortName).sort());
  });

  for (const method of methods) {
    const name = shortName(method);
    const [request, admin] = rows[name] ?? [{}, undefined];
    const anyone = verbOf(method) === Verb.ANYONE;
    const call = (transport: Transport) => codeOf(transport, method, request);

    it(`${name} answers ${anyone ? 'anyone' : 'admin'}`, async () => {
      assert.equal(await call(anyone ? api.anonymousTransport() : api.transport()), admin);
    });
    if (anyone) continue;

    it(`${name} refuses a call without a token`, async () => {
      assert.equal(await call(api.anonymousTransport()), Code.Unauthenticated);
    });
    it(`${name} refuses unknown and malformed tokens`, async () => {
      const unknown = `dvo1.abcdefgh.${encodeBase64url(randomSecret())}`;
      for (const token of [unknown, 'dvo1.x.y', 'nonsense', `${api.adminToken}x`]) {
        assert.equal(await call(api.transport(token)), Code.Unauthenticated, token);
      }
    });
    it(`${name} refuses an operator whose role does not have its verb`, async () => {
      assert.equal(await call(api.transport(viewerToken)), Code.PermissionDenied);
    });
  }

  it('leaves an audit row when it refused an operator, and one of all strangers', async () => {
    const denied = (await api.parts.store.read.listAudit(0, 1000)).filter((row) => row.decision === 'denied');
    assert.equal(denied.filter((row) => row.who === '-').length, 1);
    const known = denied.filter((row) => row.who !== '-');
    const methodsOf = known.map((row) => (JSON.parse(row.request) as { method: string }).method);
    const refusable = methods.filter((method) => verbOf(method) !== Verb.ANYONE);
    assert.deepEqual(methodsOf.sort(), refusable.map(methodName).sort());
    assert.deepEqual([...new Set(known.map((row) => row.who))], ['vera']);
  });
});

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

function shortName(method: DescMethod): string {
  return `${method.parent.name}/${method.name}`;
}

async function codeOf(transport: Transport, method: DescMethod, json: object): Promise<Code | undefined> {
  const input = fromJson(method.input, json as Record<string, never>);
  try {
    if (method.methodKind === 'unary') {
      await transport.unary(method as DescMethodUnary, undefined, undefined, undefined, input);
    } else {
      const requests = (async function* () {
        yield input;
      })();
      const streaming = method as DescMethodServerStreaming;
      const { message } = await transport.stream(streaming, undefined, undefined, undefined, requests);
      for await (const _ of message);
    }
    return undefined;
  } catch (error) {
    return ConnectError.from(error).code;
  }
}

async function addOperator(api: ApiFixture, operator: string, role: string): Promise<string> {
  const secret = randomSecret();
  const secretHash = hashSecret(secret);
  const createdAtMs = api.parts.clock.wallMs();
  const token = { id: operator, operator, role, secretHash, createdAtMs, expiresAtMs: undefined };
  await api.parts.store.transact((writer) => writer.insertOperatorToken(token));
  return `dvo1.${operator}.${encodeBase64url(secret)}`;
}

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
