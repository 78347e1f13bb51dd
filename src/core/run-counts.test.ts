import assert from 'node:assert/strict';
import { test } from 'node:test';
import { create } from '@bufbuild/protobuf';
import fc from 'fast-check';
import { type Outcome, TaskSchema, TaskState } from '#protocol/gen/drover/v1/task_pb.ts';
import { exited, notStarted, signaled, skipped, unknownOutcome, unreachable } from './outcome.ts';
import { countTasks } from './run-counts.ts';
import { activeStates } from './task-state.ts';

function ended(outcome: Outcome) {
  return create(TaskSchema, { state: TaskState.ENDED, outcome });
}

const anyTask = fc.oneof(
  fc.constantFrom(...activeStates).map((state) => create(TaskSchema, { state })),
  fc
    .constantFrom(
      ...[exited(0), exited(3), signaled('SIGKILL', false), notStarted('fork', 11, 'fork: again')],
      ...[skipped('stopped'), unreachable('not connected', 0), unknownOutcome('reboot')],
    )
    .map(ended),
);

test('countTasks() adds up', () => {
  fc.assert(
    fc.property(fc.array(anyTask), (tasks) => {
      const { total, active, succeeded, failed, notStarted, skipped, unreachable, unknown } =
        countTasks(tasks);
      assert.equal(total, tasks.length);
      assert.equal(active, tasks.filter(({ state }) => state !== TaskState.ENDED).length);
      assert.equal(active + succeeded + failed + notStarted + skipped + unreachable + unknown, total);
    }),
  );
});

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
