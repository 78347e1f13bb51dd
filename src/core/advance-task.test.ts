import assert from 'node:assert/strict';
import { test } from 'node:test';
import { create } from '@bufbuild/protobuf';
import fc from 'fast-check';
import {
  type Attempt,
  AttemptSchema,
  Cause,
  type Task,
  TaskSchema,
  TaskState,
} from '#protocol/gen/drover/v1/task_pb.ts';
import { advanceTask, endTask } from './advance-task.ts';
import { exited, skipped } from './outcome.ts';
import { taskCanAdvance } from './task-state.ts';

const { PENDING, STARTING, RUNNING, STOPPING, ENDED } = TaskState;

function pendingTask(): Task {
  return create(TaskSchema, { id: 'abcdefghij', state: PENDING });
}

function report(state: TaskState, more: Partial<Pick<Attempt, 'pid' | 'number' | 'reason'>> = {}): Attempt {
  const end = state === ENDED ? { outcome: exited(0), cause: Cause.ITSELF } : {};
  return create(AttemptSchema, { number: 1, state, ...end, ...more });
}

const anyReport = fc
  .record({
    state: fc.constantFrom(STARTING, RUNNING, STOPPING, ENDED),
    pid: fc.nat(3),
    number: fc.integer({ min: 1, max: 2 }),
  })
  .map(({ state, ...more }) => report(state, more));

test('advanceTask() follows an attempt from start to end', () => {
  let task = pendingTask();
  for (const state of [STARTING, RUNNING, STOPPING, ENDED]) {
    const next = advanceTask(task, report(state));
    assert.ok(next);
    assert.equal(next.state, state);
    task = next;
  }
  assert.equal(task.outcome?.kind.case, 'exited');
  assert.equal(task.cause, Cause.ITSELF);
  assert.equal(task.attempts.length, 1);
});

test('advanceTask() gives undefined for a report that is not news', () => {
  const running = advanceTask(pendingTask(), report(RUNNING, { pid: 7 }));
  assert.ok(running);
  assert.equal(advanceTask(running, report(RUNNING, { pid: 7 })), undefined);
  assert.equal(advanceTask(running, report(STARTING)), undefined);
  assert.equal(advanceTask(running, report(RUNNING, { pid: 7, reason: 'new' }))?.reason, 'new');
});

test('advanceTask() never lets a task go back, and never changes an ended one, whatever comes in whatever order', () => {
  fc.assert(
    fc.property(fc.array(anyReport, { maxLength: 12 }), (reports) => {
      let task = pendingTask();
      for (const one of reports) {
        const next = advanceTask(task, one);
        if (task.state === ENDED) assert.equal(next, undefined);
        if (!next) continue;
        assert.ok(next.state === task.state || taskCanAdvance(task.state, next.state));
        if (next.state === ENDED) assert.ok(next.outcome && next.cause !== Cause.UNSPECIFIED);
        task = next;
      }
    }),
  );
});

test('advanceTask() does not touch the task that it was given', () => {
  const task = pendingTask();
  advanceTask(task, report(RUNNING));
  assert.deepEqual(task, pendingTask());
});

test('endTask() ends what has not ended, once', () => {
  const ended = endTask(pendingTask(), skipped('stopped before it was sent'), Cause.OPERATOR, 'stopped');
  assert.equal(ended?.state, ENDED);
  assert.ok(ended);
  assert.equal(endTask(ended, skipped('again'), Cause.OPERATOR, ''), undefined);
});
