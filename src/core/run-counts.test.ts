import assert from 'node:assert/strict';
import { test } from 'node:test';
import { create } from '@bufbuild/protobuf';
import { type Outcome, TaskSchema, TaskState } from '#protocol/gen/drover/v1/task_pb.ts';
import { exited, notStarted, skipped, unknownOutcome, unreachable } from './outcome.ts';
import { countTasks } from './run-counts.ts';

function ended(outcome: Outcome) {
  return create(TaskSchema, { state: TaskState.ENDED, outcome });
}

test('countTasks() counts every task exactly once', () => {
  const counts = countTasks([
    create(TaskSchema, { state: TaskState.RUNNING }),
    ended(exited(0)),
    ended(exited(0)),
    ended(exited(1)),
    ended(notStarted('chdir', 2, 'chdir /nope: no such file or directory')),
    ended(skipped('stopped')),
    ended(unreachable('not connected', 0)),
    ended(unknownOutcome('reboot')),
  ]);
  const {
    total,
    active,
    succeeded,
    failed,
    notStarted: refused,
    skipped: left,
    unreachable: away,
    unknown,
  } = counts;
  assert.deepEqual(
    [total, active, succeeded, failed, refused, left, away, unknown],
    [8, 1, 2, 1, 1, 1, 1, 1],
  );
});
