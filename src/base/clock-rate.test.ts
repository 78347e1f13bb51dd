import assert from 'node:assert/strict';
import { test } from 'node:test';
import { pino } from 'pino';
import { systemClock } from './clock.ts';
import { clockAtRate, parseClockRate } from './clock-rate.ts';
import { UsageError } from './command-line.ts';

const silent = pino({ level: 'silent' });

test('parseClockRate() reads how much faster time passes', () => {
  assert.deepEqual([undefined, '', '1', '20', '2.5'].map(parseClockRate), [1, 1, 1, 20, 2.5]);
  for (const text of ['0', '-1', '0.5', '101', 'fast', 'Infinity'])
    assert.throws(() => parseClockRate(text), UsageError);
});

test('clockAtRate() hurries deadlines and leaves wall time alone', async () => {
  assert.equal(clockAtRate(1, silent), systemClock);
  const clock = clockAtRate(100, silent);
  const [beganMs, realMs] = [clock.monotonicMs(), performance.now()];
  const fired = Promise.withResolvers<void>();
  clock.schedule(1_000, fired.resolve);
  const alive = setInterval(() => {}, 1_000);
  await fired.promise;
  clearInterval(alive);
  const tookMs = clock.monotonicMs() - beganMs;
  assert.ok(tookMs >= 900 && Math.abs(tookMs / 100 - (performance.now() - realMs)) < 5);
  assert.ok(Math.abs(clock.wallMs() - Date.now()) < 1_000);
  using _cancelled = clock.schedule(1, () => assert.fail('it was cancelled'));
});
