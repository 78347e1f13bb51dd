import assert from 'node:assert/strict';
import { it, test } from 'node:test';
import { create } from '@bufbuild/protobuf';
import { createClient, type Interceptor, type Transport } from '@connectrpc/connect';
import {
  createConnectTransport,
  createGrpcTransport,
  createGrpcWebTransport,
  Http2SessionManager,
} from '@connectrpc/connect-node';
import { NodeRefusedError } from '#controller/dispatch/dispatch.ts';
import { NodeService, RunService, TaskService } from '#protocol/gen/drover/v1/api_pb.ts';
import { type LogChunk, LogChunkSchema } from '#protocol/gen/drover/v1/task_pb.ts';
import { limits } from '#protocol/limits.ts';
import { ApiFixture, ended, running } from './testing/api-fixture.ts';

const id = '01979c5e-7d0c-7000-8000-00000000000a';

/** Chunks of every size that is special: none, one byte, around the lengths at which a length takes another byte, the most. */
const sizes = [1, 0, 127, 128, 5, 16_383, 16_384, limits.logChunkBytesMax, 3];

/** More than fits into everything that waits for a reader. */
const manyChunks = 1_000;

function chunks(taskId: string): LogChunk[] {
  let offset = 0n;
  return sizes.map((size, i) => {
    const data = Buffer.alloc(size, i + 1);
    const chunk = create(LogChunkSchema, { taskId, node: 'web1', attempt: 1, source: 1, offset, data });
    if (size === 0) chunk.goneBytes = 7n;
    offset += BigInt(size);
    return chunk;
  });
}

const plain = ({ offset, data, goneBytes, node }: LogChunk) => [offset, goneBytes, node, Buffer.from(data)];

interface TransportOptions {
  readonly httpVersion: '2';
  readonly baseUrl: string;
  /** The root that the API's certificate is of. */
  readonly ca: string;
  readonly sessionManager: Http2SessionManager;
  readonly interceptors: Interceptor[];
}

/** Each accepts compressed answers, as these do unless they are told otherwise. */
const transports: Record<string, (options: TransportOptions) => Transport> = {
  'Connect, binary': createConnectTransport,
  'Connect, JSON': (options) => createConnectTransport({ ...options, useBinaryFormat: false }),
  gRPC: createGrpcTransport,
  'gRPC, JSON': (options) => createGrpcTransport({ ...options, useBinaryFormat: false }),
  'gRPC-Web': createGrpcWebTransport,
  'gRPC-Web, JSON': (options) => createGrpcWebTransport({ ...options, useBinaryFormat: false }),
  'Connect over HTTP/1.1': ({ baseUrl, interceptors, ca }) =>
    createConnectTransport({ baseUrl, interceptors, httpVersion: '1.1', nodeOptions: { ca, agent: false } }),
};

/** Calls `body` with a task that runs, and a client of each protocol of it. */
async function withTask(
  createTransport: (options: TransportOptions) => Transport,
  body: (api: ApiFixture, taskId: string, transport: Transport) => Promise<void>,
): Promise<void> {
  await using api = await ApiFixture.start();
  await api.addNodes('web1');
  const { tasks } = await api.client(RunService).createRun({ id, nodes: 'web1', spec: { argv: ['x'] } });
  const taskId = tasks[0]?.id ?? '';
  await api.changeTask(taskId, running(5));
  const ca = api.parts.authority.rootPem;
  const sessionManager = new Http2SessionManager(api.address, {}, { ca });
  const authorize: Interceptor = (next) => (request) => {
    request.header.set('authorization', `Bearer ${api.adminToken}`);
    return next(request);
  };
  const options = { baseUrl: api.address, ca, sessionManager, interceptors: [authorize] };
  await body(api, taskId, createTransport({ ...options, httpVersion: '2' }));
  sessionManager.abort();
}

for (const [name, createTransport] of Object.entries(transports)) {
  it(`ReadLogs gives chunks as they are over ${name}, and the failure behind them`, async () => {
    await withTask(createTransport, async (api, taskId, transport) => {
      api.parts.dispatch.logs.set(taskId, async function* () {
        yield* chunks(taskId);
        throw new NodeRefusedError('the rest is gone');
      });
      const received: LogChunk[] = [];
      const call = async () => {
        const logs = createClient(TaskService, transport).readLogs({ query: { refs: [taskId] } });
        for await (const chunk of logs) received.push(chunk);
      };
      await assert.rejects(call(), { rawMessage: 'cannot read output: web1: the rest is gone' });
      assert.deepEqual(received.map(plain), chunks(taskId).map(plain));
    });
  });

  it(`FollowTasks gives chunks as they are over ${name}, between the news`, async () => {
    await withTask(createTransport, async (api, taskId, transport) => {
      api.parts.dispatch.logs.set(taskId, async function* () {
        yield* chunks(taskId);
      });
      await api.changeTask(taskId, ended(0, 9n));
      const cases: string[] = [];
      const received: LogChunk[] = [];
      const query = { refs: [taskId] };
      for await (const { kind } of createClient(TaskService, transport).followTasks({
        query,
        output: true,
      })) {
        cases.push(kind.case ?? '');
        if (kind.case === 'log') received.push(kind.value);
        if (kind.case === 'task') assert.equal(kind.value.id, taskId);
      }
      assert.deepEqual(received.map(plain), chunks(taskId).map(plain));
      assert.deepEqual([cases[0], cases.at(-1)], ['selected', 'task']);
    });
  });
}

test('ReadLogs takes no more from a node than its reader does, and lets go when he leaves', async () => {
  await withTask(createGrpcTransport, async (api, taskId, transport) => {
    let given = 0;
    const left = Promise.withResolvers<void>();
    api.parts.dispatch.logs.set(taskId, async function* () {
      try {
        for (; given < manyChunks; given++) {
          const data = Buffer.alloc(limits.logChunkBytesMax, given);
          yield create(LogChunkSchema, { taskId, attempt: 1, source: 1, data });
        }
      } finally {
        left.resolve();
      }
    });
    const leave = new AbortController();
    const logs = createClient(TaskService, transport).readLogs(
      { query: { refs: [taskId] } },
      { signal: leave.signal },
    );
    for await (const { data } of logs) {
      assert.deepEqual(Buffer.from(data), Buffer.alloc(limits.logChunkBytesMax, 0));
      // Every answer is a turn in which the server could have gone on.
      for (let i = 0; i < 20; i++) await api.client(NodeService).listNodes({});
      break;
    }
    assert.ok(given * limits.logChunkBytesMax < 4 * limits.followBufferBytesMax, `${given} chunks`);
    leave.abort();
    await left.promise;
  });
});
