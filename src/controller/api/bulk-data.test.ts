import assert from 'node:assert/strict';
import { it } from 'node:test';
import { create } from '@bufbuild/protobuf';
import { createClient, type Interceptor, type Transport } from '@connectrpc/connect';
import {
  createConnectTransport,
  createGrpcTransport,
  createGrpcWebTransport,
  Http2SessionManager,
} from '@connectrpc/connect-node';
import { NodeRefusedError } from '#controller/dispatch/dispatch.ts';
import { RunService, TaskService } from '#protocol/gen/drover/v1/api_pb.ts';
import { type LogChunk, LogChunkSchema } from '#protocol/gen/drover/v1/task_pb.ts';
import { limits } from '#protocol/limits.ts';
import { ApiFixture, running } from './testing/api-fixture.ts';

const id = '01979c5e-7d0c-7000-8000-00000000000a';

/** Chunks of every size that is special: none, one byte, around the lengths at which a length takes another byte, the most. */
const sizes = [1, 0, 127, 128, 5, 16_383, 16_384, limits.logChunkBytesMax, 3];

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

interface TransportOptions {
  readonly httpVersion: '2';
  readonly baseUrl: string;
  readonly sessionManager: Http2SessionManager;
  readonly interceptors: Interceptor[];
}

const transports: Record<string, (options: TransportOptions) => Transport> = {
  'Connect, binary': createConnectTransport,
  'Connect, JSON': (options) => createConnectTransport({ ...options, useBinaryFormat: false }),
  gRPC: createGrpcTransport,
  'gRPC, JSON': (options) => createGrpcTransport({ ...options, useBinaryFormat: false }),
  'gRPC-Web': createGrpcWebTransport,
};

for (const [name, createTransport] of Object.entries(transports)) {
  it(`chunks of logs come as they are over ${name}, and the end behind them`, async () => {
    await using api = await ApiFixture.start();
    await api.addNodes('web1');
    const { tasks } = await api.client(RunService).createRun({ id, nodes: 'web1', spec: { argv: ['x'] } });
    const task = tasks[0]?.id ?? '';
    await api.changeTask(task, running(5));
    api.parts.dispatch.logs.set(task, async function* () {
      yield* chunks(task);
      throw new NodeRefusedError('the rest is gone');
    });
    const sessionManager = new Http2SessionManager(api.address, {}, { ca: api.parts.authority.rootPem });
    const transport = createTransport({
      httpVersion: '2',
      baseUrl: api.address,
      sessionManager,
      interceptors: [
        (next) => (request) => {
          request.header.set('authorization', `Bearer ${api.adminToken}`);
          return next(request);
        },
      ],
    });
    const received: LogChunk[] = [];
    const call = async () => {
      const logs = createClient(TaskService, transport).readLogs({ query: { refs: [task] } });
      for await (const chunk of logs) received.push(chunk);
    };
    await assert.rejects(call(), { rawMessage: 'cannot read output: web1: the rest is gone' });
    sessionManager.abort();
    const plain = ({ offset, data, goneBytes }: LogChunk) => [offset, goneBytes, Buffer.from(data)];
    assert.deepEqual(received.map(plain), chunks(task).map(plain));
  });
}
