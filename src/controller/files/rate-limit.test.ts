import assert from 'node:assert/strict';
import { test } from 'node:test';
import { FakeClock } from '#base/clock.ts';
import { RateLimit } from './rate-limit.ts';

const never = new AbortController().signal;

test('RateLimit lets so many bytes a second through, all takers together, in their order', async () => {
  const clock = new FakeClock();
  const limit = new RateLimit(clock, 1_000);
  const start = clock.monotonicMs();
  const times: number[] = [];
  const takes = Array.from({ length: 10 }, async () => {
    await limit.take(500, never);
    times.push(clock.monotonicMs() - start);
  });
  await clock.advance(0);
  await clock.advance(10_000);
  await Promise.all(takes);
  assert.deepEqual(
    times,
    Array.from({ length: 10 }, (_, i) => i * 500),
  );
});

test('RateLimit lets what is larger than a second go at once, and has those behind it wait', async () => {
  const clock = new FakeClock();
  const limit = new RateLimit(clock, 1_000);
  await limit.take(5_000, never);
  let isTaken = false;
  const next = limit.take(1, never).then(() => {
    isTaken = true;
  });
  await clock.advance(4_900);
  assert.equal(isTaken, false);
  await clock.advance(100);
  await next;
});

test('RateLimit gives the turn of one that has gone to the next', async () => {
  const clock = new FakeClock();
  const limit = new RateLimit(clock, 1_000);
  const abort = new AbortController();
  await limit.take(1_000, never);
  const gone = assert.rejects(limit.take(1_000_000, abort.signal), { name: 'AbortError' });
  const next = limit.take(1, never);
  abort.abort();
  await gone;
  await clock.advance(1_000);
  await next;
});

test('RateLimit without a limit waits for nothing', async () => {
  await new RateLimit(new FakeClock(), 0).take(2 ** 40, never);
});
