import assert from 'node:assert/strict';
import { once } from 'node:events';
import { type ClientHttp2Stream, connect, createServer, type ServerHttp2Stream } from 'node:http2';
import type { AddressInfo } from 'node:net';
import { test } from 'node:test';
import { create, type MessageInitShape, toBinary } from '@bufbuild/protobuf';
import { FakeClock } from '#base/clock.ts';
import { encodeFrame } from '#base/grpc-frames.ts';
import { FileOrderSchema } from '#protocol/gen/drover/v1/file_pb.ts';
import { FilesDownSchema, type FilesUpSchema } from '#protocol/gen/drover/v1/link_pb.ts';
import { limits } from '#protocol/limits.ts';
import { type FileStream, NodeDeniedError, NodeGoneError, NodeRefusedError } from './dispatch.ts';
import { openFiles } from './file-streams.ts';
import { DispatchFixture } from './testing/dispatch-fixture.ts';
import type { TestAgent, TestFiles } from './testing/test-agent.ts';

const never = new AbortController().signal;

type OrderKind = MessageInitShape<typeof FileOrderSchema>['kind'];
type UpKind = MessageInitShape<typeof FilesUpSchema>['kind'];

const put: OrderKind = { case: 'put', value: { destination: 'there' } };
const get: OrderKind = { case: 'get', value: { paths: ['a'] } };
const list: OrderKind = { case: 'list', value: {} };

async function connected(): Promise<{ fixture: DispatchFixture; agent: TestAgent } & AsyncDisposable> {
  const fixture = await DispatchFixture.start('n1');
  const agent = await fixture.join('n1');
  return { fixture, agent, [Symbol.asyncDispose]: () => fixture[Symbol.asyncDispose]() };
}

/** Both ends of one HTTP/2 stream. */
async function connectedPair(): Promise<
  { server: ServerHttp2Stream; client: ClientHttp2Stream } & AsyncDisposable
> {
  const listener = createServer().listen(0, '127.0.0.1');
  await once(listener, 'listening');
  const session = connect(`http://127.0.0.1:${(listener.address() as AddressInfo).port}`);
  const accepted = once(listener, 'stream');
  const client = session.request({ ':method': 'POST' });
  client.on('error', () => {});
  const [server] = (await accepted) as [ServerHttp2Stream];
  server.on('error', () => {});
  return {
    server,
    client,
    async [Symbol.asyncDispose]() {
      session.destroy();
      listener.close();
      await once(listener, 'close');
    },
  };
}

/** A stream that is never refused. */
function opened(stream: ServerHttp2Stream) {
  return { stream, refused: new Promise<never>(() => {}), [Symbol.dispose]() {} };
}

/** Asks, and has the agent open the stream. */
async function open(
  { fixture, agent }: { fixture: DispatchFixture; agent: TestAgent },
  kind: OrderKind,
  abort = never,
): Promise<{ stream: FileStream; files: TestFiles }> {
  const opening = fixture.dispatch.openFiles('n1', create(FileOrderSchema, { kind }), 'ada', abort);
  const files = agent.files((await agent.next('openFiles')).streamId);
  return { stream: await opening, files };
}

function down(problem: string): Buffer {
  const value = { kind: { case: 'problem', value: { path: 'a', error: problem } } } as const;
  return encodeFrame(toBinary(FilesDownSchema, create(FilesDownSchema, { kind: { case: 'sender', value } })));
}

const done: UpKind = { case: 'receiver', value: { kind: { case: 'done', value: { entries: 1n } } } };

test('openFiles() gives the node its order, passes frames on both ways, and ends when the node has', async () => {
  await using place = await connected();
  const { fixture, agent } = place;
  const opening = fixture.dispatch.openFiles('n1', create(FileOrderSchema, { kind: put }), 'ada', never);
  const order = await agent.next('openFiles');
  assert.deepEqual([order.operator, order.order?.kind.case], ['ada', 'put']);
  const files = agent.files(order.streamId);
  files.read();
  using stream = await opening;
  const both = Buffer.concat([down('x'), down('y')]);
  await stream.send(both.subarray(0, 20), both.subarray(20));
  for (const wanted of ['x', 'y']) {
    const frame = await files.next();
    assert.ok(frame !== 'end' && frame.case === 'sender' && frame.value.kind.case === 'problem');
    assert.equal(frame.value.kind.value.error, wanted);
  }
  files.send(done);
  files.end();
  const kinds: unknown[] = [];
  for await (const { value } of stream.receive()) kinds.push(value.kind.case);
  assert.deepEqual(kinds, ['done']);
  assert.equal(await files.next(), 'end');
});

test('openFiles() rejects with what the node refuses or denies, and when it is not there', async () => {
  await using place = await connected();
  const { fixture, agent } = place;
  const order = create(FileOrderSchema, { kind: list });
  for (const denied of [false, true]) {
    const opening = fixture.dispatch.openFiles('n1', order, 'ada', never);
    const { streamId } = await agent.next('openFiles');
    const refused = assert.rejects(opening, (error) => error instanceof NodeDeniedError === denied);
    agent.send({ case: 'result', value: { commandId: streamId, error: 'not there', denied } });
    await refused;
  }
  const { stream, files } = await open(place, list);
  const cut = assert.rejects(stream.receive().next(), NodeGoneError);
  files.read();
  await agent[Symbol.asyncDispose]();
  await cut;
  stream[Symbol.dispose]();
  await assert.rejects(fixture.dispatch.openFiles('n1', order, 'ada', never), NodeGoneError);
});

test('openFiles() takes nothing that its order does not bring about, or that is too large', async () => {
  await using place = await connected();
  const entry = (value: object): UpKind => ({ case: 'answer', value: { kind: { case: 'entry', value } } });
  const sender = (kind: object): UpKind => ({ case: 'sender', value: { kind } }) as UpKind;
  const cases: [OrderKind, UpKind, RegExp][] = [
    [put, { case: 'sender', value: { kind: { case: 'end', value: {} } } }, /a frame of kind sender where/],
    [get, done, /kind receiver where sender belongs/],
    [list, done, /kind receiver where answer belongs/],
    [list, { case: 'answer', value: {} }, /an empty frame/],
    [list, undefined, /an empty frame/],
    [list, entry({ path: 'x'.repeat(4_096) }), /a path of 4096 bytes/],
    [list, entry({ path: 'a', mode: 0o10000 }), /mode 4096/],
    [list, entry({ path: 'a', modifiedAt: { seconds: -1n } }), /second -1 of our time/],
    [list, entry({ path: 'a', sha256: new Uint8Array(3) }), /a digest of 3 bytes/],
    [list, entry({ path: 'a', content: new Uint8Array(20_000) }), /20000 bytes in it/],
    [
      list,
      { case: 'answer', value: { kind: { case: 'data', value: new Uint8Array(70_000) } } },
      /70000 bytes/,
    ],
    [list, { case: 'answer', value: { kind: { case: 'problem', value: { path: 'a' } } } }, /0 characters/],
    [get, sender({ case: 'digests', value: { digests: [] } }), /0 digests/],
    [get, sender({ case: 'digests', value: { digests: [new Uint8Array(31)] } }), /a digest of 31 bytes/],
    [get, sender({ case: 'chunk', value: { data: new Uint8Array(3) } }), /a chunk without its digest/],
    [put, { case: 'receiver', value: { kind: { case: 'want', value: { chunks: [] } } } }, /0 wants/],
    [
      put,
      { case: 'receiver', value: { kind: { case: 'want', value: { chunks: [{}] } } } },
      /without a digest/,
    ],
  ];
  for (const [order, news, message] of cases) {
    const { stream, files } = await open(place, order);
    files.send(news);
    await assert.rejects(stream.receive().next(), (error: Error) => {
      assert.ok(error instanceof NodeRefusedError && !(error instanceof NodeGoneError));
      assert.match(error.message, /^the node sent nonsense: /);
      assert.match(error.message, message);
      return true;
    });
    stream[Symbol.dispose]();
  }
  const { stream, files } = await open(place, list);
  files.send(entry({ path: 'half' }));
  const news = stream.receive();
  await news.next();
  files.stream.destroy(new Error('broken off'));
  const broken = assert.rejects(news.next(), { message: 'the node broke off the files' });
  await new Promise((resolve) => files.stream.once('close', resolve));
  for (let looks = 0; looks < 10; looks++) await place.fixture.clock.advance(200);
  await broken;
  stream[Symbol.dispose]();
});

test('openFiles() tells why a node breaks off what it has begun, where it says so', async () => {
  await using place = await connected();
  const opening = place.fixture.dispatch.openFiles(
    'n1',
    create(FileOrderSchema, { kind: put }),
    'ada',
    never,
  );
  const { streamId } = await place.agent.next('openFiles');
  const files = place.agent.files(streamId);
  using stream = await opening;
  const broken = assert.rejects(stream.receive().next(), (error) => {
    assert.ok(error instanceof NodeDeniedError);
    assert.equal(error.message, '/etc: the policy allows no writing there');
    return true;
  });
  files.stream.destroy(new Error('broken off'));
  const error = '/etc: the policy allows no writing there';
  place.agent.send({ case: 'result', value: { commandId: streamId, error, denied: true } });
  await broken;
});

test('openFiles() sends no faster than the node takes, and gives it up when it takes nothing', async () => {
  await using pair = await connectedPair();
  const clock = new FakeClock();
  const session = { open: async () => opened(pair.server), isCut: false };
  const asked = { order: create(FileOrderSchema, { kind: put }), operator: 'ada' };
  using stream = await openFiles(session, asked, clock, never);
  let isTaken = false;
  const sent = stream.send(Buffer.alloc(1 << 20)).then(() => {
    isTaken = true;
  });
  await once(pair.client, 'readable');
  await clock.advance(limits.fileStallMs - 1);
  assert.equal(isTaken, false);
  let taken = 0;
  pair.client.on('data', (bytes: Buffer) => {
    taken += bytes.length;
  });
  await sent;
  pair.client.pause();
  const stalled = assert.rejects(stream.send(Buffer.alloc(1 << 20)), {
    message: `it took nothing for ${limits.fileStallMs / 1_000} s`,
  });
  for (let looks = 0; looks < 20; looks++) await clock.advance(limits.fileStallMs);
  await stalled;
  assert.ok(taken > 0);
});

test('openFiles() waits so long for the end of a node that has sent its last frame', async () => {
  await using pair = await connectedPair();
  const clock = new FakeClock();
  const session = { open: async () => opened(pair.server), isCut: false };
  const asked = { order: create(FileOrderSchema, { kind: put }), operator: 'ada' };
  using stream = await openFiles(session, asked, clock, never);
  const late = assert.rejects(stream.receive().next(), { message: 'it did not end after the last frame' });
  stream.expectEnd();
  await clock.advance(limits.fileStallMs);
  await late;
});

test('openFiles() reads no faster than its reader, breaks off when it is aborted, and has a limit', async () => {
  await using place = await connected();
  const abort = new AbortController();
  const { stream, files } = await open(place, list, abort.signal);
  files.read();
  const data = new Uint8Array(limits.logChunkBytesMax);
  for (let i = 0; i < 100; i++)
    files.send({ case: 'answer', value: { kind: { case: 'data', value: data } } });
  const news = stream.receive();
  for (let i = 0; i < 3; i++) assert.equal((await news.next()).done, false);
  for (let turn = 0; turn < 50; turn++) await new Promise((resolve) => setImmediate(resolve));
  assert.ok(files.stream.writableLength > 80 * limits.logChunkBytesMax, 'the rest waits at the node');
  const closed = new Promise((resolve) => files.stream.once('close', resolve));
  abort.abort();
  await closed;
  stream[Symbol.dispose]();

  const open64 = Array.from({ length: limits.sessionFileStreamsMax }, () => open(place, list));
  const all = await Promise.all(open64);
  const order = create(FileOrderSchema, { kind: list });
  await assert.rejects(place.fixture.dispatch.openFiles('n1', order, 'ada', never), /64 orders about files/);
  for (const each of all) each.stream[Symbol.dispose]();
  (await open(place, list)).stream[Symbol.dispose]();
});
