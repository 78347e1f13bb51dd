import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { create } from '@bufbuild/protobuf';
import { systemClock } from '#base/clock.ts';
import { createLog } from '#base/log.ts';
import { type ChunkRef, ChunkRefSchema } from '#protocol/gen/drover/v1/file_pb.ts';
import { limits } from '#protocol/limits.ts';
import { temporaryDirectory } from '#test/fixture/temporary-directory.ts';
import { ChunkCache } from './chunk-cache.ts';
import { ChunkExchange } from './chunk-exchange.ts';
import { ChunkMemory } from './chunk-memory.ts';
import { someBytes, type TestTree, testTree } from './testing/test-tree.ts';

const never = new AbortController().signal;

function open(t: TestContext) {
  // Before the directory goes.
  t.after(() => cache[Symbol.asyncDispose]());
  const directory = temporaryDirectory(t);
  const log = createLog('test', 'silent');
  const cache = ChunkCache.open({ directory, bytesMax: 64 << 20, clock: systemClock, log });
  const memory = new ChunkMemory(cache);
  const asked: string[] = [];
  const sources: string[] = [];
  const exchange = new ChunkExchange({
    memory,
    ask: (chunks) => asked.push(...chunks.map(({ entry, index }) => `${entry}/${index}`)),
    onGiven: (source) => sources.push(source),
  });
  return { memory, exchange, asked, sources };
}

function refs(tree: TestTree, entry: number, count: number): ChunkRef[] {
  return Array.from(
    { length: count },
    (_, index) => tree.chunk({ entry, index }).ref ?? create(ChunkRefSchema),
  );
}

test('ChunkExchange asks for a chunk once, for all who wait for it, and so many at a time', async (t) => {
  const { exchange, asked, sources } = open(t);
  const tree = testTree({ a: someBytes(12 * limits.fileChunkBytes) });
  const all = refs(tree, 0, 12);
  for (let node = 0; node < 5; node++) exchange.expect(all);
  assert.deepEqual(asked, ['0/0', '0/1', '0/2', '0/3', '0/4', '0/5', '0/6', '0/7']);
  const got = Promise.all(
    Array.from({ length: 5 }, () => exchange.get(all[3] ?? create(ChunkRefSchema), never)),
  );
  for (const { entry, index } of all.slice(0, 8)) exchange.receive(tree.chunk({ entry, index }));
  const data = tree.chunk({ entry: 0, index: 3 }).data;
  assert.ok((await got).every((each) => each?.equals(data)));
  while (asked.length < 12) await new Promise((resolve) => setImmediate(resolve));
  assert.deepEqual(asked.slice(8), ['0/8', '0/9', '0/10', '0/11']);
  await exchange.get(all[3] ?? create(ChunkRefSchema), never);
  assert.deepEqual(sources, ['sender', 'sender', 'sender', 'sender', 'sender', 'cache']);
  assert.equal(asked.length, 12);
});

test('ChunkExchange gives up what the sender takes back, but for those who want it of another entry', async (t) => {
  const { exchange, asked } = open(t);
  const content = someBytes(1 << 20);
  const tree = testTree({ a: content, b: content });
  const [a, b] = [refs(tree, 0, 1)[0], refs(tree, 1, 1)[0]];
  assert.ok(a && b);
  const [ofA, ofB] = [exchange.get(a, never), exchange.get(b, never)];
  assert.deepEqual(asked, ['0/0']);
  exchange.takeBack(0);
  assert.equal(await ofA, undefined);
  assert.equal(await exchange.get(a, never), undefined);
  assert.deepEqual(asked, ['0/0', '1/0']);
  exchange.receive(tree.chunk({ entry: 0, index: 0 }));
  exchange.receive(tree.chunk({ entry: 1, index: 0 }));
  assert.ok((await ofB)?.equals(content.subarray(0, limits.fileChunkBytes)));
});

test('ChunkExchange takes no chunk that is another or was not asked for', (t) => {
  const { exchange } = open(t);
  const tree = testTree({ a: someBytes(1 << 20), b: someBytes(1 << 20) });
  exchange.expect(refs(tree, 0, 1));
  for (const [entry, index] of [
    [0, 1],
    [1, 0],
  ] as const) {
    assert.throws(() => exchange.receive(tree.chunk({ entry, index })), {
      reason: 'INVALID',
      message: `a chunk came that was not asked for: chunk ${index} of entry ${entry}`,
    });
  }
  const lie = { ...tree.chunk({ entry: 0, index: 0 }), data: someBytes(10) };
  assert.throws(() => exchange.receive(lie), { reason: 'INVALID', message: /not what its digest says/ });
});

test('ChunkExchange that is closed gives what is here, and the reason for the rest', async (t) => {
  const { exchange, memory } = open(t);
  const tree = testTree({ a: someBytes(3 * limits.fileChunkBytes) });
  const [here, waiting, late] = refs(tree, 0, 3);
  assert.ok(here && waiting && late);
  await memory.keep(Buffer.from(here.digest).toString('hex'), Buffer.from(tree.chunk(here).data));
  const reason = new Error('it has gone');
  const rejected = assert.rejects(exchange.get(waiting, never), reason);
  exchange.close(reason);
  await rejected;
  await assert.rejects(exchange.get(late, never), reason);
  assert.ok(await exchange.get(here, never));
  const abort = new AbortController();
  abort.abort();
  await assert.rejects(exchange.get(here, abort.signal), { name: 'AbortError' });
});
