import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Batches } from './batches.ts';

test('Batches hands over what came in one turn, and what came meanwhile, in order and one batch at a time', async () => {
  const got: number[][] = [];
  const first = Promise.withResolvers<void>();
  const began = Promise.withResolvers<void>();
  const batches = new Batches<number>(3, async (items) => {
    got.push([...items]);
    began.resolve();
    if (got.length === 1) await first.promise;
  });
  batches.add(1);
  batches.add(2);
  await began.promise;
  for (const item of [3, 4, 5, 6]) batches.add(item);
  assert.equal(batches.size, 4);
  assert.deepEqual(got, [[1, 2]]);
  first.resolve();
  await batches.idle();
  assert.deepEqual(got, [[1, 2], [3, 4, 5], [6]]);
  batches.add(7);
  await batches.idle();
  assert.deepEqual(got.at(-1), [7]);
});

test('Batches lets the next one grow while it rests, and does not rest before the first', async () => {
  const got: number[][] = [];
  const rests: (() => void)[] = [];
  const batches = new Batches<number>(
    3,
    async (items) => void got.push([...items]),
    () => new Promise<void>((resolve) => rests.push(resolve)),
  );
  batches.add(1);
  await until(() => rests.length === 1);
  assert.deepEqual(got, [[1]]);
  for (const item of [2, 3, 4, 5, 6, 7, 8]) batches.add(item);
  rests[0]?.();
  await until(() => rests.length === 2);
  // While there is a full one to come, it does not rest.
  assert.deepEqual(got, [[1], [2, 3, 4], [5, 6, 7]]);
  rests[1]?.();
  await until(() => rests.length === 3);
  assert.deepEqual(got.at(-1), [8]);
  rests[2]?.();
  await batches.idle();
});

async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise((resolve) => setImmediate(resolve));
}
