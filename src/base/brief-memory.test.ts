import assert from 'node:assert/strict';
import { test } from 'node:test';
import { BriefMemory } from './brief-memory.ts';
import { FakeClock } from './clock.ts';

function counting() {
  const clock = new FakeClock();
  const memory = new BriefMemory<number>(clock, 1_000);
  let asked = 0;
  return { clock, recall: (key: string) => memory.recall(key, async () => ++asked) };
}

test('BriefMemory.recall() asks once for everybody who asks within the time', async () => {
  const { clock, recall } = counting();
  assert.deepEqual(await Promise.all([recall('a'), recall('a'), recall('b')]), [1, 1, 2]);
  await clock.advance(999);
  assert.equal(await recall('a'), 1);
  await clock.advance(1);
  assert.equal(await recall('a'), 3);
});

test('BriefMemory.recall() stays small: very long keys and very many of them are asked for again', async () => {
  const { recall } = counting();
  const long = 'x'.repeat(5_000);
  assert.deepEqual([await recall(long), await recall(long)], [1, 2]);
  for (let i = 0; i < 256; i++) await recall(`key ${i}`);
  const before = await recall('one too many');
  assert.equal(await recall('key 0'), before + 1);
});
