import assert from 'node:assert/strict';
import { it } from 'node:test';
import { create, type MessageInitShape } from '@bufbuild/protobuf';
import { PacingSchema } from '#protocol/gen/drover/v1/task_pb.ts';
import { findPacingProblem, isUnpaced } from './validate-pacing.ts';

const rows: readonly (readonly [MessageInitShape<typeof PacingSchema>, string | undefined])[] = [
  [{}, undefined],
  [{ maxConcurrency: 1, maxErrors: 0, batchSleepMs: 86_400_000n }, undefined],
  [{ maxConcurrencyPercent: 100, maxErrorsPercent: 100 }, undefined],
  [
    { maxConcurrency: 1, maxConcurrencyPercent: 1 },
    'the tasks at once are limited by a number and by a per cent: give one of them',
  ],
  [
    { maxErrors: 0, maxErrorsPercent: 0 },
    'the failures are limited by a number and by a per cent: give one of them',
  ],
  [{ maxConcurrencyPercent: 101 }, '101 per cent of the tasks at once are too many'],
  [{ maxErrorsPercent: 101 }, '101 per cent of failures are too many'],
  [
    { maxConcurrency: 1, batchSleepMs: 86_400_001n },
    'a pause of 86400001 ms between tasks is out of range: at most 86400000',
  ],
  [{ batchSleepMs: 1n }, 'a pause between tasks needs a limit of tasks at once'],
];

for (const [pacing, expected] of rows) {
  const shown = Object.entries(pacing).map(([name, value]) => `${name}=${value}`);
  it(`findPacingProblem() of ${shown.join(' ') || 'nothing'}: ${expected ?? 'none'}`, () => {
    assert.equal(findPacingProblem(create(PacingSchema, pacing)), expected);
  });
}

it('isUnpaced() is a pacing that limits nothing', () => {
  assert.equal(isUnpaced(create(PacingSchema)), true);
  assert.equal(isUnpaced(create(PacingSchema, { maxErrors: 0 })), false);
  assert.equal(isUnpaced(create(PacingSchema, { maxConcurrencyPercent: 1 })), false);
});
