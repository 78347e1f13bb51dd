import assert from 'node:assert/strict';
import { test } from 'node:test';
import { exited, signaled, skipped } from '#core/outcome.ts';
import { Cause, type Task, TaskState } from '#protocol/gen/drover/v1/task_pb.ts';
import { exitCodeOfTasks } from './exit-code-of-tasks.ts';
import { makeTask } from './testing/fake-api.ts';

const state = TaskState.ENDED;
const ok = makeTask('a', 'n1', { state, outcome: exited(0) });
const failed = makeTask('b', 'n2', { state, outcome: exited(42) });
const killed = makeTask('c', 'n3', { state, outcome: signaled('SIGTERM', false) });
const late = makeTask('d', 'n4', { state, outcome: exited(0), cause: Cause.TIMEOUT });
const away = makeTask('e', 'n5');
const skipping = makeTask('f', 'n6', { state, outcome: skipped('too many failed') });

const cases: [what: string, tasks: Task[], ofSet: number, largest: number, ofOne: number][] = [
  ['success', [ok], 0, 0, 0],
  ['exit 42', [failed], 5, 42, 42],
  ['SIGTERM', [killed], 5, 143, 143],
  ['a time limit', [late], 3, 3, 3],
  ['no outcome', [away], 4, 4, 4],
  ['a skipped one', [skipping], 5, 5, 5],
  ['several', [ok, failed, killed, away], 4, 143, 4],
  ['several with a time limit', [failed, late, away], 3, 42, 3],
  ['none', [], 0, 0, 0],
];

for (const [what, tasks, ofSet, largest, ofOne] of cases) {
  test(`exitCodeOfTasks() of ${what}`, () => {
    assert.equal(exitCodeOfTasks(tasks, { literal: false, largest: false }), ofSet);
    assert.equal(exitCodeOfTasks(tasks, { literal: false, largest: true }), largest);
    assert.equal(exitCodeOfTasks(tasks, { literal: true, largest: false }), ofOne);
  });
}
