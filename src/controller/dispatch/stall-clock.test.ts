import assert from 'node:assert/strict';
import { test } from 'node:test';
import { FakeClock } from '#base/clock.ts';
import { StallClock } from './stall-clock.ts';

function start() {
  const clock = new FakeClock(0);
  const stallClock = new StallClock(clock);
  const pass = async (seconds: number) => {
    for (let i = 0; i < seconds; i++) {
      await clock.advance(1_000);
      stallClock.tick();
    }
  };
  return { clock, stallClock, pass };
}

test('StallClock goes with the clock, also where a tick is a little late', async () => {
  const { clock, stallClock, pass } = start();
  await pass(3);
  await clock.advance(2_900);
  stallClock.tick();
  await pass(1);
  assert.equal(stallClock.now(), 6_900);
  assert.equal(stallClock.sinceStallMs(), Number.POSITIVE_INFINITY);
});

test('StallClock leaves out a stall, whether it is read before or after the tick that was held up', async () => {
  for (const readsFirst of [true, false]) {
    const { clock, stallClock, pass } = start();
    await pass(1);
    await clock.advance(60_000);
    if (readsFirst) assert.equal(stallClock.now(), 2_000);
    stallClock.tick();
    assert.equal(stallClock.now(), 2_000);
    await pass(2);
    assert.equal(stallClock.now(), 4_000);
    assert.equal(stallClock.sinceStallMs(), 2_000);
  }
});

test('StallClock never goes back', async () => {
  const { clock, stallClock, pass } = start();
  await clock.advance(2_900);
  assert.equal(stallClock.now(), 2_900);
  await clock.advance(200);
  assert.equal(stallClock.now(), 2_900);
  stallClock.tick();
  await pass(3);
  assert.equal(stallClock.now(), 4_000);
});
