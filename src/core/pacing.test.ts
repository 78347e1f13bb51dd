import assert from 'node:assert/strict';
import { test } from 'node:test';
import { create, type MessageInitShape } from '@bufbuild/protobuf';
import fc from 'fast-check';
import { Cause, type Outcome, PacingSchema, TaskSchema, TaskState } from '#protocol/gen/drover/v1/task_pb.ts';
import { exited, notStarted, signaled, skipped, unknownOutcome, unreachable } from './outcome.ts';
import { decidePace, describeTooManyFailures, isFailure, type PaceLimits, paceLimits } from './pacing.ts';

const infinite = Number.POSITIVE_INFINITY;

const rows: readonly (readonly [MessageInitShape<typeof PacingSchema>, number, number, number])[] = [
  [{}, 10, infinite, infinite],
  [{ maxConcurrency: 3 }, 10, 3, infinite],
  [{ maxConcurrency: 30 }, 10, 30, infinite],
  [{ maxConcurrencyPercent: 25 }, 10, 2, infinite],
  [{ maxConcurrencyPercent: 100 }, 10, 10, infinite],
  [{ maxConcurrencyPercent: 1 }, 10, 1, infinite],
  [{ maxErrors: 0 }, 10, infinite, 0],
  [{ maxErrors: 3 }, 10, infinite, 3],
  [{ maxErrorsPercent: 10 }, 50, infinite, 5],
  [{ maxErrorsPercent: 10 }, 9, infinite, 0],
  [{ maxErrorsPercent: 0 }, 50, infinite, 0],
];

for (const [pacing, tasks, tasksAtOnce, failuresMax] of rows) {
  test(`paceLimits() of ${JSON.stringify(pacing)} for ${tasks} tasks`, () => {
    const limits = paceLimits(create(PacingSchema, pacing), tasks);
    assert.deepEqual(limits, { tasksAtOnce, failuresMax, sleepMs: 0 });
  });
}

test('decidePace() keeps the place of a task that has ended for the time of the sleep', () => {
  const limits = { tasksAtOnce: 3, failuresMax: infinite, sleepMs: 100 };
  const facts = { active: 1, failures: 9, endedAtMs: [900, 950] };
  assert.deepEqual(decidePace(limits, facts, 960), { places: 0, isOver: false, nextPlaceMs: 40 });
  assert.deepEqual(decidePace(limits, facts, 1000), { places: 1, isOver: false, nextPlaceMs: 50 });
  assert.deepEqual(decidePace(limits, facts, 1050), { places: 2, isOver: false, nextPlaceMs: undefined });
});

test('isFailure() is what SSM counts as an error, and a time limit', () => {
  const cases: readonly (readonly [Outcome | undefined, Cause, boolean])[] = [
    [exited(0), Cause.ITSELF, false],
    [exited(0), Cause.TIMEOUT, true],
    [exited(1), Cause.ITSELF, true],
    [signaled('SIGKILL', false), Cause.OPERATOR, true],
    [notStarted('policy', 0, 'no'), Cause.ITSELF, true],
    [unreachable('gone', undefined), Cause.ITSELF, true],
    [unknownOutcome('reboot'), Cause.REBOOT, true],
    [undefined, Cause.ITSELF, true],
    [skipped('by decision'), Cause.ITSELF, false],
  ];
  for (const [outcome, cause, expected] of cases) {
    const task = create(TaskSchema, { state: TaskState.ENDED, cause, ...(outcome ? { outcome } : {}) });
    assert.equal(isFailure(task), expected, JSON.stringify(outcome?.kind));
  }
  assert.equal(isFailure(create(TaskSchema, { state: TaskState.RUNNING })), false);
});

/** A run on a clock of its own: starts what it may, ends what runs as `ends` says, until there is nothing to wait for. */
function play(tasks: number, limits: PaceLimits, ends: readonly { afterMs: number; fails: boolean }[]) {
  const running: { endsAtMs: number; fails: boolean; place: number }[] = [];
  const outcomes = { succeeded: 0, failed: 0, skipped: 0 };
  const endedAtMs: number[] = [];
  const log: { nowMs: number; event: 'start' | 'end'; taken: number; failed: number }[] = [];
  let left = tasks;
  for (let nowMs = 0; ; ) {
    const facts = { active: running.length, failures: outcomes.failed, endedAtMs };
    const { places, isOver, nextPlaceMs } = decidePace(limits, facts, nowMs);
    if (isOver) {
      outcomes.skipped += left;
      left = 0;
    }
    for (let place = 0; place < places && left > 0; place += 1) {
      const { afterMs, fails } = ends[(tasks - left) % ends.length] ?? { afterMs: 1, fails: false };
      left -= 1;
      running.push({ endsAtMs: nowMs + afterMs, fails, place });
      const asleep = endedAtMs.filter((at) => at + limits.sleepMs > nowMs).length;
      log.push({ nowMs, event: 'start', taken: running.length + asleep, failed: outcomes.failed });
    }
    const dues = running.map(({ endsAtMs }) => endsAtMs);
    if (left > 0 && nextPlaceMs !== undefined) dues.push(nowMs + nextPlaceMs);
    if (dues.length === 0) return { outcomes, left, log };
    nowMs = Math.min(...dues);
    const [next] = running.filter(({ endsAtMs }) => endsAtMs <= nowMs);
    if (!next) continue;
    running.splice(running.indexOf(next), 1);
    endedAtMs.push(nowMs);
    outcomes[next.fails ? 'failed' : 'succeeded'] += 1;
  }
}

const limitsOf = fc.record({
  tasksAtOnce: fc.oneof(fc.integer({ min: 1, max: 6 }), fc.constant(infinite)),
  failuresMax: fc.oneof(fc.integer({ min: 0, max: 6 }), fc.constant(infinite)),
  sleepMs: fc.integer({ min: 0, max: 50 }),
});
const endsOf = fc.array(fc.record({ afterMs: fc.integer({ min: 1, max: 40 }), fails: fc.boolean() }), {
  minLength: 1,
  maxLength: 30,
});

test('decidePace() ends every task of a run in one way, never has more places taken, and starts none after too many failures', () => {
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 40 }), limitsOf, endsOf, (tasks, limits, ends) => {
      const { outcomes, left, log } = play(tasks, limits, ends);
      assert.equal(left, 0);
      assert.equal(outcomes.succeeded + outcomes.failed + outcomes.skipped, tasks);
      for (const { taken, failed } of log) {
        assert.ok(taken <= limits.tasksAtOnce);
        assert.ok(failed <= limits.failuresMax);
      }
      // Skipped only where more had failed than may.
      if (outcomes.skipped > 0) assert.ok(outcomes.failed > limits.failuresMax);
    }),
    { numRuns: 2_000 },
  );
});

test('describeTooManyFailures() says how many, and how many may', () => {
  const limits = { tasksAtOnce: 1, failuresMax: 2, sleepMs: 0 };
  assert.equal(describeTooManyFailures(limits, 3), '3 failed, and at most 2 may');
});
