import assert from 'node:assert/strict';
import { test } from 'node:test';
import { UsageError } from '#base/command-line.ts';
import { planPacing } from './plan-pacing.ts';

test('planPacing() takes numbers and per cents', () => {
  assert.equal(planPacing({}), undefined);
  assert.deepEqual(planPacing({ 'max-concurrency': '5' }), { maxConcurrency: 5 });
  assert.deepEqual(planPacing({ 'max-concurrency': '10%', 'max-errors': '0' }), {
    maxConcurrencyPercent: 10,
    maxErrors: 0,
  });
  assert.deepEqual(planPacing({ 'max-errors': '0%' }), { maxErrorsPercent: 0 });
  assert.deepEqual(planPacing({ 'max-concurrency': '1', 'batch-sleep': '30s' }), {
    maxConcurrency: 1,
    batchSleepMs: 30_000n,
  });
});

for (const options of [
  { 'max-concurrency': '0' },
  { 'max-concurrency': '0%' },
  { 'max-concurrency': '101%' },
  { 'max-concurrency': '4294967296' },
  { 'max-concurrency': '1.5' },
  { 'max-concurrency': '-1' },
  { 'max-concurrency': '' },
  { 'max-errors': '101%' },
  { 'max-errors': 'few' },
  { 'batch-sleep': '1s' },
  { 'max-concurrency': '1', 'batch-sleep': '0' },
  { 'max-concurrency': '1', 'batch-sleep': '25h' },
]) {
  test(`planPacing() refuses ${JSON.stringify(options)}`, () => {
    assert.throws(() => planPacing(options), UsageError);
  });
}
