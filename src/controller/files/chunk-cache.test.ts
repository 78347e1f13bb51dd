import assert from 'node:assert/strict';
import { mkdirSync, readdirSync, readFileSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { systemClock } from '#base/clock.ts';
import { createLog } from '#base/log.ts';
import { limits } from '#protocol/limits.ts';
import { temporaryDirectory } from '#test/fixture/temporary-directory.ts';
import { ChunkCache } from './chunk-cache.ts';
import { ChunkMemory } from './chunk-memory.ts';
import { digestOf, someBytes } from './testing/test-tree.ts';

const chunk = limits.fileChunkBytes;

function open(directory: string, bytesMax: number): ChunkCache {
  return ChunkCache.open({ directory, bytesMax, clock: systemClock, log: createLog('test', 'silent') });
}

function some(length = chunk): { data: Buffer; digest: string } {
  const data = someBytes(length);
  return { data, digest: digestOf(data).toString('hex') };
}

function names(t: string): string[] {
  return readdirSync(join(t, 'chunks')).sort();
}

async function filled(t: TestContext, count: number, bytesMax: number) {
  const directory = temporaryDirectory(t);
  const cache = open(directory, bytesMax);
  const all = Array.from({ length: count }, () => some());
  for (const { digest, data } of all) await cache.keep(digest, data);
  return { directory, cache, all };
}

test('ChunkCache gives what it was given, also to the next one in its directory', async (t) => {
  const { directory, cache, all } = await filled(t, 3, 10 * chunk);
  const small = some(100);
  await Promise.all([cache.keep(small.digest, small.data), cache.keep(small.digest, small.data)]);
  assert.equal(cache.bytes, 3 * chunk + limits.fileInlineBytesMax);
  for (const next of [cache, open(directory, 10 * chunk)]) {
    for (const { digest, data } of [...all, small]) assert.ok((await next.find(digest))?.equals(data));
    assert.equal(next.bytes, cache.bytes);
  }
  assert.equal(await cache.find(some().digest), undefined);
});

test('ChunkCache gives up what was not used for longest, and never has more than it may', async (t) => {
  const { directory, cache, all } = await filled(t, 4, 4 * chunk);
  await cache.find(all[0]?.digest ?? '');
  const more = [some(), some()];
  for (const { digest, data } of more) await cache.keep(digest, data);
  assert.equal(cache.bytes, 4 * chunk);
  const kept = [all[0], all[3], ...more].flatMap((each) => each?.digest ?? []);
  while (names(directory).length > 4) await new Promise((resolve) => setImmediate(resolve));
  assert.deepEqual(names(directory), kept.sort());
  const old = all[3]?.digest ?? '';
  utimesSync(join(directory, 'chunks', old), 1, 1);
  const smaller = open(directory, 3 * chunk);
  assert.equal(smaller.has(old), false);
  assert.equal(smaller.bytes, 3 * chunk);
  await new ChunkMemory(smaller).keep(more[0]?.digest ?? '', more[0]?.data ?? Buffer.alloc(0));
});

test('ChunkCache makes room for what is reserved, and takes it back', async (t) => {
  const { cache } = await filled(t, 4, 4 * chunk);
  const room = cache.reserve();
  assert.equal(room.grow(3 * chunk), true);
  assert.equal(cache.bytes, chunk);
  assert.equal(room.grow(2 * chunk), false);
  const { digest, data } = some();
  await cache.keep(digest, data);
  assert.equal(cache.bytes, chunk);
  room[Symbol.dispose]();
  for (const each of [some(), some()]) await cache.keep(each.digest, each.data);
  assert.equal(cache.bytes, 3 * chunk);
});

test('ChunkCache puts aside what is damaged or none of its own, and removes what was never whole', async (t) => {
  const { directory, cache, all } = await filled(t, 2, 10 * chunk);
  const [damaged = some(), good = some()] = all;
  const at = (name: string) => join(directory, 'chunks', name);
  writeFileSync(at(damaged.digest), someBytes(chunk));
  assert.equal(await cache.find(damaged.digest), undefined);
  assert.equal(cache.has(damaged.digest), false);
  assert.ok((await cache.find(good.digest))?.equals(good.data));
  writeFileSync(at('notes.txt'), 'mine');
  writeFileSync(at('.01234567-89ab-cdef-0123-456789abcdef.tmp'), 'half');
  writeFileSync(at('0'.repeat(64)), Buffer.alloc(chunk + 1));
  mkdirSync(at('1'.repeat(64)));
  const next = open(directory, 10 * chunk);
  assert.deepEqual(names(directory), [good.digest]);
  assert.equal(next.bytes, chunk);
  const aside = readdirSync(join(directory, 'aside')).sort();
  assert.deepEqual(aside, ['0'.repeat(64), '1'.repeat(64), damaged.digest, 'notes.txt'].sort());
  assert.equal(readFileSync(join(directory, 'aside', 'notes.txt'), 'utf8'), 'mine');
});

test('ChunkCache that cannot write has nothing, and says so by having nothing', async (t) => {
  const directory = temporaryDirectory(t);
  const cache = open(directory, 10 * chunk);
  const { digest, data } = some();
  mkdirSync(join(directory, 'chunks', digest));
  await cache.keep(digest, data);
  assert.equal(cache.has(digest), false);
  assert.equal(cache.bytes, 0);
});

test('ChunkMemory shares one buffer among all who want it at once, and keeps no more than it may', async (t) => {
  const { cache, all } = await filled(t, 70, 100 * chunk);
  const memory = new ChunkMemory(cache);
  const [first] = all;
  const found = await Promise.all(Array.from({ length: 5 }, () => memory.find(first?.digest ?? '')));
  assert.ok(found[0]?.equals(first?.data ?? Buffer.alloc(0)));
  assert.ok(found.every((each) => each === found[0]));
  for (const { digest } of all.slice(1)) await memory.find(digest);
  assert.notEqual(await memory.find(first?.digest ?? ''), found[0]);
  assert.equal(await memory.find(all[69]?.digest ?? ''), await memory.find(all[69]?.digest ?? ''));
});
