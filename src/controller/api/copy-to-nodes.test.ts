import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { MessageInitShape } from '@bufbuild/protobuf';
import type { ConnectError } from '@connectrpc/connect';
import { NodeDeniedError, NodeRefusedError } from '#controller/dispatch/dispatch.ts';
import { someBytes, type TestTree, testTree } from '#controller/files/testing/test-tree.ts';
import {
  type CopyToNodesRequestSchema,
  type CopyToNodesResponse,
  type FileEnd,
  FileOutcome,
  FileService,
  type FileTargetSchema,
} from '#protocol/gen/drover/v1/api_pb.ts';
import { NodeState } from '#protocol/gen/drover/v1/node_pb.ts';
import { limits } from '#protocol/limits.ts';
import { ApiFixture } from './testing/api-fixture.ts';
import { emptyReceiver, receiveTree, type TestReceiver } from './testing/receive-tree.ts';
import { RequestStream } from './testing/request-stream.ts';

const { DONE, FAILED, DENIED, UNREACHABLE, SKIPPED } = FileOutcome;

type Request = MessageInitShape<typeof CopyToNodesRequestSchema>;

/** The caller of a copy: sends a tree, and the chunks that are wanted of it. */
class Caller {
  /** Chunks that were asked for, as "entry/index". */
  readonly asked: string[] = [];
  readonly ends = new Map<string, FileEnd>();
  readonly responses: CopyToNodesResponse[] = [];
  readonly #tree: TestTree;
  readonly #requests = new RequestStream<Request>();
  /** Whether it answers what is wanted. */
  answers = true;

  constructor(tree: TestTree) {
    this.#tree = tree;
  }

  /** Copies to the end. @throws what the call throws */
  async copy(api: ApiFixture, target: MessageInitShape<typeof FileTargetSchema>): Promise<void> {
    this.give({ kind: { case: 'target', value: { target, put: { destination: 'there' } } } });
    for (const frame of this.#tree.frames) this.give({ kind: { case: 'sender', value: frame } });
    for await (const response of api.client(FileService).copyToNodes(this.#requests)) this.take(response);
  }

  take(response: CopyToNodesResponse): void {
    this.responses.push(response);
    const { kind } = response;
    if (kind.case === 'end') {
      assert.ok(!this.ends.has(kind.value.node), `two ends of ${kind.value.node}`);
      this.ends.set(kind.value.node, kind.value);
    }
    if (kind.case !== 'want') return;
    for (const ref of kind.value.chunks) {
      this.asked.push(`${ref.entry}/${ref.index}`);
      if (!this.answers) continue;
      const chunk = { case: 'chunk', value: this.#tree.chunk(ref) } as const;
      this.give({ kind: { case: 'sender', value: { kind: chunk } } });
    }
  }

  give(request: Request): void {
    this.#requests.give(request);
  }

  leave(): void {
    this.#requests.leave();
  }

  outcomes(): Record<string, FileOutcome> {
    return Object.fromEntries([...this.ends].map(([node, { outcome }]) => [node, outcome]).sort());
  }
}

async function startApi(nodes: number, fileCacheBytes = 64 << 20): Promise<ApiFixture> {
  const api = await ApiFixture.start({ fileCacheBytes });
  await api.addNodes(...Array.from({ length: nodes }, (_, i) => `n${i + 1}`));
  return api;
}

/** The node receives, and what it then has. */
function receiving(api: ApiFixture, node: string, receiver: TestReceiver = emptyReceiver()): TestReceiver {
  api.parts.dispatch.files.set(node, (files) => receiveTree(files, receiver));
  return receiver;
}

const big = 5 * limits.fileChunkBytes + 17;

test('copyToNodes() brings a tree to every node, and asks the caller for each chunk once', async () => {
  await using api = await startApi(12);
  const content = {
    'd/': Buffer.alloc(0),
    'd/small': someBytes(9),
    'd/big': someBytes(big),
    'd/again': someBytes(1 << 20),
  };
  const receivers = Array.from({ length: 12 }, (_, i) => receiving(api, `n${i + 1}`));
  const caller = new Caller(testTree(content));
  await caller.copy(api, { nodes: 'n[1-12]' });
  assert.deepEqual(new Set(Object.values(caller.outcomes())), new Set([DONE]));
  assert.equal(caller.ends.size, 12);
  for (const { files } of receivers) {
    for (const path of ['d/small', 'd/big', 'd/again'] as const) {
      assert.ok(files.get(path)?.equals(content[path]), path);
    }
  }
  assert.deepEqual(caller.asked.toSorted(), ['2/0', '2/1', '2/2', '2/3', '2/4', '2/5', '3/0', '3/1']);
  assert.equal(caller.ends.get('n3')?.progress?.bytes, BigInt(9 + big + (1 << 20)));
  const selected = caller.responses[0]?.kind;
  assert.deepEqual(selected?.case === 'selected' && selected.value.nodes.length, 12);
});

test('copyToNodes() has its audit row and its event before the first node is asked', async () => {
  await using api = await startApi(2);
  receiving(api, 'n1');
  let rows = 0;
  api.parts.dispatch.files.set('n2', async (files) => {
    rows = (await api.parts.store.read.listAudit(0, 10)).length;
    await receiveTree(files, emptyReceiver());
  });
  await new Caller(testTree({ f: someBytes(3) })).copy(api, { nodes: 'n[1-2]' });
  assert.equal(rows, 1);
  const [row] = await api.parts.store.read.listAudit(0, 10);
  assert.deepEqual([row?.verb, row?.nodes, row?.decision], ['file.write', 'n[1-2]', 'allowed']);
  assert.deepEqual(JSON.parse(row?.request ?? ''), { method: 'CopyToNodes', put: { destination: 'there' } });
  const { events } = await api.parts.store.read.listEvents({ kinds: ['file.copy'] }, 0, 10);
  assert.deepEqual(events[0]?.data, { nodes: 'n[1-2]', to: 'there' });
});

test('copyToNodes() does not hold the others up for a slow node, and a second try sends what is missing', async () => {
  await using api = await startApi(3);
  const content = { big: someBytes(20 * limits.fileChunkBytes) };
  const stuck = Promise.withResolvers<void>();
  const slow = receiving(
    api,
    'n1',
    emptyReceiver((received) => (received < 7 ? Promise.resolve() : stuck.promise)),
  );
  const others = ['n2', 'n3'].map((node) => receiving(api, node));
  const caller = new Caller(testTree(content));
  const copied = caller.copy(api, { nodes: 'n[1-3]' });
  while (caller.ends.size < 2) await new Promise((resolve) => setImmediate(resolve));
  assert.deepEqual([...caller.ends.keys()].sort(), ['n2', 'n3']);
  stuck.reject(new NodeRefusedError('the node broke off the files'));
  await copied;
  assert.deepEqual(caller.outcomes(), { n1: FAILED, n2: DONE, n3: DONE });
  assert.ok(others.every(({ files }) => files.get('big')?.equals(content.big)));
  const again = receiving(api, 'n1', { chunks: slow.chunks, files: new Map() });
  const second = new Caller(testTree(content));
  await second.copy(api, { nodes: 'n1' });
  assert.deepEqual(second.outcomes(), { n1: DONE });
  assert.deepEqual(second.asked, [], 'the cache has them all');
  assert.equal(second.ends.get('n1')?.progress?.receivedBytes, BigInt(13 * limits.fileChunkBytes));
  assert.ok(again.files.get('big')?.equals(content.big));
});

test('copyToNodes() tells what became of nodes that are away, refuse, deny, or are drained', async () => {
  await using api = await startApi(5);
  const { dispatch, store } = api.parts;
  receiving(api, 'n1');
  dispatch.changeNode('n2', { state: NodeState.LOST, seenAtMs: 0 });
  dispatch.files.set('n3', () => Promise.reject(new NodeDeniedError('the policy allows no writing there')));
  dispatch.files.set('n4', () => Promise.reject(new NodeRefusedError('the disk is full')));
  await store.transact((writer) => writer.setNodesDrain(['n5'], { reason: 'disk', by: 'ada', atMs: 0 }));
  const caller = new Caller(testTree({ f: someBytes(3) }));
  await caller.copy(api, { nodes: 'n[1-5]' });
  assert.deepEqual(caller.outcomes(), { n1: DONE, n2: UNREACHABLE, n3: DENIED, n4: FAILED, n5: SKIPPED });
  assert.deepEqual([...caller.ends.values()].map(({ node, reason }) => `${node}: ${reason}`).sort(), [
    'n1: ',
    'n2: the node is not connected',
    'n3: the policy allows no writing there',
    'n4: the disk is full',
    'n5: the node is drained: disk',
  ]);
});

test('copyToNodes() skips the rest once more than max_errors have failed', async () => {
  await using api = await startApi(6);
  for (const node of ['n1', 'n4', 'n5', 'n6']) receiving(api, node);
  const caller = new Caller(testTree({ f: someBytes(3) }));
  await caller.copy(api, { nodes: 'n[1-6]', pacing: { maxConcurrency: 1, maxErrors: 1 } });
  assert.deepEqual(caller.outcomes(), {
    n1: DONE,
    n2: FAILED,
    n3: FAILED,
    n4: SKIPPED,
    n5: SKIPPED,
    n6: SKIPPED,
  });
  assert.equal(caller.ends.get('n6')?.reason, '2 failed, and at most 1 may');
});

test('copyToNodes() tells problems of either side, and such a node has failed', async () => {
  await using api = await startApi(2);
  const receiver = receiving(api, 'n1');
  api.parts.dispatch.files.set('n2', async (files) => {
    const problem = { path: 'b', error: 'the name is taken by a directory' };
    files.tell({ case: 'receiver', value: { kind: { case: 'problem', value: problem } } });
    await receiveTree(files, emptyReceiver());
  });
  const content = { a: someBytes(2 * limits.fileChunkBytes), b: someBytes(5) };
  const caller = new Caller(testTree(content));
  caller.answers = false;
  const copied = caller.copy(api, { nodes: 'n[1-2]' });
  while (caller.asked.length === 0) await new Promise((resolve) => setImmediate(resolve));
  const problem = { path: 'a', error: 'it changed while it was read', entry: 0 };
  caller.give({ kind: { case: 'sender', value: { kind: { case: 'problem', value: problem } } } });
  await copied;
  // The caller counts its own.
  assert.deepEqual(caller.outcomes(), { n1: DONE, n2: FAILED });
  assert.deepEqual([...receiver.files.keys()], ['b']);
  const told = caller.responses.flatMap(({ kind }) =>
    kind.case === 'receiver' && kind.value.frame?.kind.case === 'problem' ? [kind.value.node] : [],
  );
  assert.deepEqual(told, ['n2']);
});

test('copyToNodes() ends every node once when the manifest breaks off or makes no sense', async () => {
  await using api = await startApi(3);
  for (const node of ['n1', 'n2', 'n3']) receiving(api, node);
  const { frames, chunk } = testTree({ a: someBytes(4), b: someBytes(5) });
  const one = testTree({ a: someBytes(4) }).frames;
  const cases: [RegExp, TestTree][] = [
    [/broke off before its manifest was whole/, { chunk, frames: frames.slice(0, 1) }],
    [/makes no sense: the entry "b" behind the end/, { chunk, frames: [...one, ...frames.slice(1)] }],
  ];
  for (const [message, tree] of cases) {
    const caller = new Caller(tree);
    caller.leave();
    await assert.rejects(caller.copy(api, { nodes: 'n[1-3]' }), message);
    assert.deepEqual(caller.outcomes(), { n1: FAILED, n2: FAILED, n3: FAILED });
  }
});

test('copyToNodes() believes no chunk that is another, or that it did not ask for', async () => {
  await using api = await startApi(1);
  receiving(api, 'n1');
  const tree = testTree({ a: someBytes(1 << 20) });
  const other = testTree({ a: someBytes(1 << 20) });
  const lying = new Caller({
    frames: tree.frames,
    chunk: (ref) => ({ ...tree.chunk(ref), data: other.chunk(ref).data }),
  });
  await assert.rejects(
    lying.copy(api, { nodes: 'n1' }),
    /content of chunk 0 of entry 0 is not what its digest says/,
  );
  assert.deepEqual(lying.outcomes(), { n1: FAILED });
  const pushy = new Caller({
    frames: [tree.frames.slice(0, 2), other.frames.slice(2)].flat(),
    chunk: other.chunk,
  });
  await assert.rejects(pushy.copy(api, { nodes: 'n1' }), /a chunk came that was not asked for/);
});

test('copyToNodes() gives a node no chunk that is not in its manifest, whoever has it', async () => {
  await using api = await startApi(2);
  const secret = testTree({ s: someBytes(1 << 20) });
  receiving(api, 'n1');
  await new Caller(secret).copy(api, { nodes: 'n1' });
  api.parts.dispatch.files.set('n2', async (files) => {
    const { ref } = secret.chunk({ entry: 0, index: 0 });
    files.tell({ case: 'receiver', value: { kind: { case: 'want', value: { chunks: ref ? [ref] : [] } } } });
    await new Promise((resolve) => files.gone.addEventListener('abort', resolve, { once: true }));
  });
  const caller = new Caller(testTree({ s: someBytes(1 << 20) }));
  await caller.copy(api, { nodes: 'n2' });
  assert.equal(caller.outcomes()['n2'], FAILED);
  assert.match(caller.ends.get('n2')?.reason ?? '', /nonsense: a want of chunk 0 of entry 0/);
});

test('copyToNodes() ends everything when its caller goes', async () => {
  await using api = await startApi(2);
  const gone: string[] = [];
  for (const node of ['n1', 'n2']) {
    api.parts.dispatch.files.set(node, async (files) => {
      await new Promise((resolve) => files.gone.addEventListener('abort', resolve, { once: true }));
      gone.push(node);
    });
  }
  const abort = new AbortController();
  const requests = (async function* () {
    const value = { target: { nodes: 'n[1-2]' }, put: { destination: 'there' } };
    yield { kind: { case: 'target', value } } as const;
    await new Promise((resolve) => abort.signal.addEventListener('abort', resolve));
  })();
  const responses = api
    .client(FileService)
    .copyToNodes(requests, { signal: abort.signal })
    [Symbol.asyncIterator]();
  await responses.next();
  while (api.parts.dispatch.orders.length < 2) await new Promise((resolve) => setImmediate(resolve));
  abort.abort();
  await assert.rejects(responses.next(), /abort/);
  while (gone.length < 2) await new Promise((resolve) => setImmediate(resolve));
});

test('copyToNodes() asks again for what the cache has given up, and refuses a manifest that has no room', async () => {
  await using api = await startApi(2, 1 << 20);
  const content = { big: someBytes(40 * limits.fileChunkBytes) };
  // The second node is 30 chunks behind: neither memory nor the cache has those any more.
  const first = Promise.withResolvers<void>();
  receiving(
    api,
    'n1',
    emptyReceiver(async (received) => void (received === 38 && first.resolve())),
  );
  const late = receiving(
    api,
    'n2',
    emptyReceiver((received) => (received === 1 ? first.promise : Promise.resolve())),
  );
  const caller = new Caller(testTree(content));
  await caller.copy(api, { nodes: 'n[1-2]' });
  assert.deepEqual(caller.outcomes(), { n1: DONE, n2: DONE });
  assert.ok(late.files.get('big')?.equals(content.big));
  const many = Object.fromEntries(Array.from({ length: 80 }, (_, i) => [`f${i}`, someBytes(16_000)]));
  const refused = new Caller(testTree(many));
  await assert.rejects(refused.copy(api, { nodes: 'n1' }), (error: ConnectError) =>
    /--file-cache/.test(error.message),
  );
  assert.deepEqual(refused.outcomes(), { n1: FAILED });
});
