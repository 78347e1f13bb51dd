import assert from 'node:assert/strict';
import { it } from 'node:test';
import { FakeClock } from './clock.ts';
import { TokenBuckets } from './token-buckets.ts';

it('take() allows a burst for each key, and one more whenever its time has come', async () => {
  const clock = new FakeClock();
  const buckets = new TokenBuckets(clock, { burst: 5, refillMs: 60_000 });
  const takeAll = (key: string) => {
    let taken = 0;
    while (buckets.take(key)) taken++;
    return taken;
  };
  assert.equal(takeAll('a'), 5);
  assert.equal(buckets.hasLeft('a'), false);
  assert.equal(takeAll('b'), 5);
  await clock.advance(11_999);
  assert.equal(takeAll('a'), 0);
  await clock.advance(1);
  assert.equal(buckets.hasLeft('a'), true);
  assert.equal(takeAll('a'), 1);
  await clock.advance(600_000);
  assert.equal(takeAll('a'), 5);
});

it('take() remembers the latest keys however many there are', () => {
  const buckets = new TokenBuckets(new FakeClock(), { burst: 1, refillMs: 60_000 });
  for (let i = 0; i < 20_000; i++) assert.ok(buckets.take(`k${i}`));
  assert.equal(buckets.take('k19999'), false);
  assert.equal(buckets.take('k0'), true);
});
