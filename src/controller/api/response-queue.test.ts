import assert from 'node:assert/strict';
import { it } from 'node:test';
import fc from 'fast-check';
import { ResponseQueue } from './response-queue.ts';
import { collect } from './testing/collect.ts';

const never = new AbortController().signal;

it('read() gives everything in order and ends', async () => {
  const queue = new ResponseQueue<string>(10);
  queue.push('a');
  await queue.put('b', 5, never);
  queue.offer('k', 'c');
  queue.end();
  assert.deepEqual(await collect(queue.read(never)), ['a', 'b', 'c']);
});

it('offer() replaces unsent news of the same key where it stands', async () => {
  const queue = new ResponseQueue<string>(10);
  queue.offer('k', 'old');
  queue.push('x');
  queue.offer('k', 'new');
  queue.end();
  assert.deepEqual(await collect(queue.read(never)), ['new', 'x']);
});

it('put() waits for the reader once the limit is reached, and news does not', async () => {
  const queue = new ResponseQueue<string>(10);
  await queue.put('a', 10, never);
  let added = false;
  const waiting = queue.put('b', 1, never).then(() => {
    added = true;
  });
  queue.push('news');
  const reader = queue.read(never);
  assert.equal(added, false);
  assert.equal((await reader.next()).value, 'a');
  await waiting;
  queue.end();
  assert.deepEqual(await collect(reader), ['news', 'b']);
});

it('put() holds at most the limit and one value of each writer, whatever the sizes', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(fc.array(fc.integer({ min: 1, max: 20 }))), async (writers) => {
      const queue = new ResponseQueue<number>(32);
      let most = 0;
      const written = writers.map(async (sizes) => {
        for (const size of sizes) {
          await queue.put(size, size, never);
          most = Math.max(most, queue.bytes);
        }
      });
      void Promise.all(written).then(() => queue.end());
      const read = await collect(queue.read(never));
      assert.deepEqual(read.toSorted(), writers.flat().toSorted());
      assert.ok(most <= 32 + 20);
    }),
  );
});

it('put() and read() end with the reason when they are aborted', async () => {
  const queue = new ResponseQueue<string>(1);
  const abort = new AbortController();
  await queue.put('a', 1, abort.signal);
  const waiting = queue.put('b', 1, abort.signal);
  const reason = new Error('gone');
  abort.abort(reason);
  await assert.rejects(waiting, reason);
  await assert.rejects(queue.read(abort.signal).next(), reason);
});

it('fail() comes after what was added before it', async () => {
  const queue = new ResponseQueue<string>(1);
  queue.push('a');
  queue.fail(new Error('broken'));
  queue.push('b');
  const reader = queue.read(never);
  assert.equal((await reader.next()).value, 'a');
  await assert.rejects(reader.next(), /broken/);
});
