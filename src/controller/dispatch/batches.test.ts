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
