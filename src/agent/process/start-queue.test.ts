import assert from 'node:assert/strict';
import { test } from 'node:test';
import { StartQueue } from './start-queue.ts';

test('StartQueue runs so many at once, in their order, and drops what waits when cleared', async () => {
  const begun: number[] = [];
  const gates = Array.from({ length: 5 }, () => Promise.withResolvers<void>());
  const queue = new StartQueue<number>(
    () => 2,
    async (item) => {
      begun.push(item);
      await gates[item]?.promise;
    },
  );
  for (let i = 0; i < 5; i++) queue.push(i);
  assert.deepEqual(begun, [0, 1]);
  gates[1]?.resolve();
  await new Promise((resolve) => setImmediate(resolve));
  assert.deepEqual(begun, [0, 1, 2]);
  queue.clear();
  for (const gate of gates) gate.resolve();
  await new Promise((resolve) => setImmediate(resolve));
  assert.deepEqual(begun, [0, 1, 2]);
});
