import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { MessageInitShape } from '@bufbuild/protobuf';
import { someBytes, type TestTree, testTree } from '#controller/files/testing/test-tree.ts';
import {
  type CopyFromNodesRequestSchema,
  type CopyFromNodesResponse,
  type FileEnd,
  FileOutcome,
  FileService,
} from '#protocol/gen/drover/v1/api_pb.ts';
import type { ChunkRef, ReceiverFrameSchema } from '#protocol/gen/drover/v1/file_pb.ts';
import { limits } from '#protocol/limits.ts';
import { ApiFixture } from './testing/api-fixture.ts';
import type { FakeFiles } from './testing/fake-files.ts';
import { RequestStream } from './testing/request-stream.ts';

const { DONE, FAILED } = FileOutcome;

type Request = MessageInitShape<typeof CopyFromNodesRequestSchema>;
type ReceiverKind = MessageInitShape<typeof ReceiverFrameSchema>['kind'];

/** A node that sends a tree, until its receiver is done; `heard` takes what that says. */
async function sendTree(node: FakeFiles, tree: TestTree, heard: string[] = []): Promise<void> {
  for (const frame of tree.frames) node.tell({ case: 'sender', value: frame });
  for (;;) {
    const { case: side, value } = await node.next();
    assert.equal(side, 'receiver');
    const { kind } = value;
    heard.push(kind.case ?? '');
    if (kind.case === 'done') return;
    if (kind.case !== 'want') continue;
    for (const ref of kind.value.chunks) {
      node.tell({ case: 'sender', value: { kind: { case: 'chunk', value: tree.chunk(ref) } } });
    }
  }
}

/** The caller of a copy: wants every chunk, and keeps them. */
class Caller {
  readonly ends = new Map<string, FileEnd>();
  readonly chunks = new Map<string, Uint8Array>();
  readonly problems: string[] = [];
  readonly #requests = new RequestStream<Request>();
  readonly #missing = new Map<string, number>();
  readonly #whole = new Set<string>();

  give(request: Request): void {
    this.#requests.give(request);
  }

  leave(): void {
    this.#requests.leave();
  }

  tell(node: string, kind: ReceiverKind): void {
    this.give({ kind: { case: 'receiver', value: { node, frame: kind ? { kind } : {} } } });
  }

  async copy(api: ApiFixture, nodes: string): Promise<void> {
    this.give({ kind: { case: 'target', value: { target: { nodes }, get: { paths: ['a'] } } } });
    for await (const response of api.client(FileService).copyFromNodes(this.#requests)) this.take(response);
  }

  take({ kind }: CopyFromNodesResponse): void {
    if (kind.case === 'end') this.ends.set(kind.value.node, kind.value);
    if (kind.case !== 'sender') return;
    const { node, frame } = kind.value;
    const sent = frame?.kind;
    if (sent?.case === 'digests') {
      const chunks = sent.value.digests.map((digest, index) => ({ entry: 0, index, digest }) as ChunkRef);
      this.#missing.set(node, chunks.length);
      for (let from = 0; from < chunks.length; from += limits.fileWantedChunksMax) {
        this.tell(node, {
          case: 'want',
          value: { chunks: chunks.slice(from, from + limits.fileWantedChunksMax) },
        });
      }
    } else if (sent?.case === 'chunk') {
      this.chunks.set(`${node}/${sent.value.ref?.index}`, sent.value.data);
      this.#missing.set(node, (this.#missing.get(node) ?? 0) - 1);
    } else if (sent?.case === 'problem') this.problems.push(`${node}: ${sent.value.error}`);
    else if (sent?.case === 'end') this.#whole.add(node);
    if (!this.#whole.has(node) || this.#missing.get(node)) return;
    this.tell(node, { case: 'progress', value: { entries: 1n } });
    this.tell(node, { case: 'done', value: { entries: 1n, bytes: 7n } });
  }
}

async function startApi(nodes: number): Promise<ApiFixture> {
  const api = await ApiFixture.start();
  await api.addNodes(...Array.from({ length: nodes }, (_, i) => `n${i + 1}`));
  return api;
}

test('copyFromNodes() brings a tree of each node to the caller, who receives them', async () => {
  await using api = await startApi(3);
  const contents = new Map(
    ['n1', 'n2', 'n3'].map((node) => [node, someBytes(5 * limits.fileChunkBytes + 3)]),
  );
  const heard: string[] = [];
  for (const [node, content] of contents) {
    const take = node === 'n1' ? heard : [];
    api.parts.dispatch.files.set(node, (files) => sendTree(files, testTree({ a: content }), take));
  }
  const caller = new Caller();
  await caller.copy(api, 'n[1-3]');
  for (const [node, content] of contents) {
    assert.deepEqual([caller.ends.get(node)?.outcome, caller.ends.get(node)?.progress?.bytes], [DONE, 7n]);
    const parts = Array.from(
      { length: 6 },
      (_, index) => caller.chunks.get(`${node}/${index}`) ?? new Uint8Array(),
    );
    assert.ok(Buffer.concat(parts).equals(content), node);
  }
  assert.deepEqual(heard, ['want', 'progress', 'done']);
  const [row] = await api.parts.store.read.listAudit(0, 10);
  assert.deepEqual([row?.verb, row?.nodes], ['file.read', 'n[1-3]']);
});

test('copyFromNodes() tells problems of nodes, and what breaks off or refuses has failed', async () => {
  await using api = await startApi(4);
  const { files } = api.parts.dispatch;
  files.set('n1', async (node) => {
    const problem = { path: 'a', error: 'permission denied' };
    node.tell({ case: 'sender', value: { kind: { case: 'problem', value: problem } } });
    await sendTree(node, testTree({}));
  });
  files.set('n2', async (node) => {
    const [entry] = testTree({ a: someBytes(1) }).frames;
    if (entry) node.tell({ case: 'sender', value: entry });
  });
  files.set('n4', (node) => sendTree(node, testTree({ a: someBytes(3) })));
  const caller = new Caller();
  await caller.copy(api, 'n[1-4]');
  assert.deepEqual([...caller.ends].map(([node, { outcome, reason }]) => [node, outcome, reason]).sort(), [
    ['n1', FAILED, ''],
    ['n2', FAILED, 'the node broke off the files'],
    ['n3', FAILED, 'it does nothing with files'],
    ['n4', DONE, ''],
  ]);
  assert.deepEqual(caller.problems, ['n1: permission denied']);
});

test('copyFromNodes() gives up a node that sends nothing of what it was asked for, and the others go on', async () => {
  await using api = await startApi(2);
  const { dispatch, clock } = api.parts;
  const tree = testTree({ a: someBytes(3 * limits.fileChunkBytes) });
  const asked = Promise.withResolvers<FakeFiles>();
  dispatch.files.set('n1', async (node) => {
    for (const frame of tree.frames) node.tell({ case: 'sender', value: frame });
    await node.next();
    asked.resolve(node);
    await new Promise((resolve) => node.gone.addEventListener('abort', resolve, { once: true }));
  });
  const released = Promise.withResolvers<void>();
  dispatch.files.set('n2', async (node) => {
    await released.promise;
    await sendTree(node, tree);
  });
  const caller = new Caller();
  const copied = caller.copy(api, 'n[1-2]');
  const silent = await asked.promise;
  // The second look finds that what was asked for at the first has not come.
  await clock.advance(2 * limits.fileStallMs);
  assert.ok(silent.gone.aborted);
  released.resolve();
  await copied;
  assert.deepEqual([...caller.ends].map(([node, { outcome, reason }]) => [node, outcome, reason]).sort(), [
    ['n1', FAILED, 'it sent nothing of what it was asked for in 60 s'],
    ['n2', DONE, ''],
  ]);
});

test('copyFromNodes() holds nodes up for a caller that does not read', async () => {
  await using api = await startApi(1);
  let given = 0;
  const abort = new AbortController();
  api.parts.dispatch.files.set('n1', async (node) => {
    const data = someBytes(limits.fileChunkBytes);
    const chunk = testTree({ a: data }).chunk({ entry: 0, index: 0 });
    for (; given < 100; given++) {
      node.tell({ case: 'sender', value: { kind: { case: 'chunk', value: chunk } } });
      await node.taken();
    }
  });
  const requests = (async function* (): AsyncGenerator<Request> {
    yield { kind: { case: 'target', value: { target: { nodes: 'n1' }, get: { paths: ['a'] } } } };
    await new Promise((resolve) => abort.signal.addEventListener('abort', resolve));
  })();
  const client = api.client(FileService);
  const responses = client.copyFromNodes(requests, { signal: abort.signal })[Symbol.asyncIterator]();
  await responses.next();
  // What fits in queues, windows and buffers goes; then nothing does.
  let before = -1;
  while (given !== before || given === 0) {
    before = given;
    for (let turn = 0; turn < 2_000; turn++) await new Promise((resolve) => setImmediate(resolve));
  }
  assert.ok(given < 50, `${given} chunks were taken`);
  abort.abort();
  await assert.rejects(async () => {
    for (let step = await responses.next(); !step.done; step = await responses.next());
  });
});

test('copyFromNodes() refuses what makes no sense of its caller, and ends every node once', async () => {
  await using api = await startApi(1);
  const cases: [RegExp, (caller: Caller) => void][] = [
    [/nothing is copied from "n7"/, (caller) => caller.tell('n7', { case: 'done', value: {} })],
    [/a receiver makes no sense: an empty frame/, (caller) => caller.tell('n1', undefined)],
    [/a receiver makes no sense: 0 wants/, (caller) => caller.tell('n1', { case: 'want', value: {} })],
    [/names a target, or says nothing/, (caller) => caller.give({})],
    [/what received it has gone/, (caller) => caller.leave()],
  ];
  api.parts.dispatch.files.set('n1', async (node) => {
    await new Promise((resolve) => node.gone.addEventListener('abort', resolve, { once: true }));
  });
  for (const [message, act] of cases) {
    const caller = new Caller();
    const copied = assert.rejects(caller.copy(api, 'n1'), message);
    act(caller);
    await copied;
    assert.equal(caller.ends.get('n1')?.outcome, FAILED);
  }
});
