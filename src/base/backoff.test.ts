import assert from 'node:assert/strict';
import { test } from 'node:test';
import { backoffDelayMs } from './backoff.ts';

const options = { baseMs: 500, maxMs: 30_000 };

for (const [failures, ceiling] of [
  [1, 500],
  [2, 1000],
  [4, 4000],
  [7, 30_000],
  [1000, 30_000],
] as const) {
  test(`backoffDelayMs() draws up to ${ceiling} ms after ${failures} failures`, () => {
    assert.equal(backoffDelayMs(failures, options, 0), 0);
    assert.equal(backoffDelayMs(failures, options, 0.5), ceiling / 2);
    assert.ok(backoffDelayMs(failures, options, 0.999) <= ceiling);
  });
}
