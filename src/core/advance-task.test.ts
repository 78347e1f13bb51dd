import assert from 'node:assert/strict';
import { test } from 'node:test';
import { create, equals, type MessageInitShape } from '@bufbuild/protobuf';
import { timestampFromMs } from '@bufbuild/protobuf/wkt';
import fc from 'fast-check';
import {
  type Attempt,
  AttemptSchema,
  Cause,
  Freshness,
  type Task,
  TaskSchema,
  TaskState,
} from '#protocol/gen/drover/v1/task_pb.ts';
import { limits } from '#protocol/limits.ts';
import { advanceTask, endTask } from './advance-task.ts';
import { exited, skipped } from './outcome.ts';
import { attemptCanAdvance, taskCanAdvance, taskCanRestart } from './task-state.ts';

const { PENDING, STARTING, RUNNING, STOPPING, WAITING, ENDED } = TaskState;

type AttemptInit = Omit<MessageInitShape<typeof AttemptSchema>, '$typeName'>;

/** A failure, and a restart four seconds after it. */
const ending = { outcome: exited(1), cause: Cause.ITSELF, endedAt: timestampFromMs(10_000) };
const restarting = { restartAt: timestampFromMs(14_000) };

function pendingTask(): Task {
  return create(TaskSchema, { id: 'abcdefghij', state: PENDING });
}

function report(state: TaskState, more: AttemptInit = {}): Attempt {
  const end = state === ENDED ? { outcome: exited(0), cause: Cause.ITSELF } : {};
  return create(AttemptSchema, { number: 1, state, ...end, ...more });
}

const anyReport = fc
  .record({
    state: fc.constantFrom(STARTING, RUNNING, STOPPING, ENDED),
    pid: fc.nat(3),
    number: fc.integer({ min: 1, max: 4 }),
    code: fc.nat(1),
    sequel: fc.constantFrom<AttemptInit>({}, restarting, { restartCalledOff: Cause.OPERATOR }),
  })
  .map(({ state, code, sequel, ...more }) => {
    const end = state === ENDED ? { ...ending, outcome: exited(code), ...sequel } : {};
    return report(state, { ...more, ...end });
  });

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

test('advanceTask() lets neither a task nor an attempt go back, whatever comes in whatever order', () => {
  fc.assert(
    fc.property(fc.array(anyReport, { maxLength: 20 }), (reports) => {
      let task: Task = { ...pendingTask(), freshness: Freshness.STALE };
      for (const one of reports) {
        const next = advanceTask(task, one);
        if (task.state === ENDED) assert.equal(next, undefined);
        if (!next) continue;
        assert.ok(
          next.state === task.state ||
            taskCanAdvance(task.state, next.state) ||
            taskCanRestart(task.state, next.state),
        );
        for (const before of task.attempts) assertForward(before, next);
        assert.equal(next.freshness, Freshness.STALE, "how fresh it is is not the agent's to say");
        if (next.state === ENDED) assert.ok(next.outcome && next.cause !== Cause.UNSPECIFIED);
        else assert.ok(!next.outcome && next.cause === Cause.UNSPECIFIED);
        if (next.state === WAITING) assert.match(next.reason, /^.+; attempt \d+ in [\d.]+ s$/);
        task = next;
      }
    }),
  );
});

function assertForward(before: Attempt, { attempts }: Task): void {
  const after = attempts.find(({ number }) => number === before.number);
  assert.ok(after);
  assert.ok(before.state === after.state || attemptCanAdvance(before.state, after.state));
  if (before.outcome) assert.deepEqual(after.outcome, before.outcome);
  if (before.state !== ENDED || equals(AttemptSchema, before, after)) return;
  assert.ok(before.restartAt && !after.restartAt && after.restartCalledOff !== Cause.UNSPECIFIED);
  const same = {
    ...after,
    reason: before.reason,
    restartAt: before.restartAt,
    restartCalledOff: Cause.UNSPECIFIED,
  };
  assert.ok(equals(AttemptSchema, before, same));
}

/** The snapshots of a task that an honest agent tells, in their order. */
const history = fc
  .record({
    restarted: fc.array(fc.boolean(), { maxLength: 4 }),
    last: fc.constantFrom('starts', 'runs', 'is being stopped', 'ended', 'waits', 'is called off'),
  })
  .map(({ restarted, last }) => {
    const snapshots = restarted.flatMap((wasStopped, i) => lifeOf(i + 1, wasStopped, restarting));
    const number = restarted.length + 1;
    const life = lifeOf(number, true, last === 'ended' ? {} : restarting);
    const calledOff = { ...ending, pid: number, reason: 'called off', restartCalledOff: Cause.OPERATOR };
    const count = { starts: 1, runs: 2, 'is being stopped': 4 }[last as string] ?? life.length;
    const rest = last === 'is called off' ? [report(ENDED, { number, ...calledOff })] : [];
    return [...snapshots, ...life.slice(0, count), ...rest];
  });

function lifeOf(number: number, wasStopped: boolean, end: AttemptInit): Attempt[] {
  const stopping = [
    report(STOPPING, { number, reason: 'SIGTERM sent' }),
    report(STOPPING, { number, reason: 'SIGKILL sent' }),
  ];
  return [
    report(STARTING, { number }),
    report(RUNNING, { number, pid: number }),
    ...(wasStopped ? stopping : []),
    report(ENDED, { number, pid: number, ...ending, ...end }),
  ];
}

test('advanceTask() comes to the same whatever of the older reports is lost, doubled or late', () => {
  const delivery = history.chain((reports) =>
    fc.record({
      reports: fc.constant(reports),
      arrived: fc.array(fc.constantFrom(...reports), { maxLength: 3 * reports.length }),
    }),
  );
  fc.assert(
    fc.property(delivery, ({ reports, arrived }) => {
      const expected = advanceAll(reports);
      const found = advanceAll([...arrived, ...reports.slice(-1)]);
      assert.deepEqual(
        [found.state, found.reason, found.outcome, found.cause],
        [expected.state, expected.reason, expected.outcome, expected.cause],
      );
      const [latest, other] = [expected.attempts.at(-1), found.attempts.at(-1)];
      assert.ok(latest && other && equals(AttemptSchema, latest, other));
    }),
  );
});

function advanceAll(reports: readonly Attempt[]): Task {
  return reports.reduce((task, each) => advanceTask(task, each) ?? task, pendingTask());
}

test('advanceTask() waits between two attempts, and says for how long', () => {
  const task = advanceAll([report(RUNNING), report(ENDED, { ...ending, ...restarting })]);
  assert.deepEqual([task.state, task.reason, task.outcome], [WAITING, 'exit 1; attempt 2 in 4 s', undefined]);
  const again = advanceTask(task, report(STARTING, { number: 2 }));
  assert.deepEqual([again?.state, again?.reason, again?.attempts.length], [STARTING, '', 2]);
});

test('advanceTask() ends a task whose restart is called off, by whoever did', () => {
  const waiting = advanceAll([report(ENDED, { ...ending, ...restarting })]);
  const calledOff = report(ENDED, {
    outcome: exited(0),
    cause: Cause.TIMEOUT,
    reason: 'stopped by an operator',
    restartCalledOff: Cause.OPERATOR,
  });
  const ended = advanceTask(waiting, calledOff);
  assert.deepEqual([ended?.state, ended?.cause, ended?.outcome], [ENDED, Cause.OPERATOR, exited(1)]);
  assert.deepEqual([ended?.attempts[0]?.cause, ended?.reason], [Cause.ITSELF, 'stopped by an operator']);
});

test('advanceTask() keeps the first attempt and the latest of very many, and hears of none between them again', () => {
  const many = Array.from({ length: 250 }, (_, i) =>
    report(ENDED, { ...ending, ...restarting, number: i + 1 }),
  );
  const task = advanceAll(many);
  const numbers = task.attempts.map(({ number }) => number);
  assert.deepEqual(numbers, [1, ...Array.from({ length: limits.taskAttemptsMax - 1 }, (_, i) => 152 + i)]);
  assert.equal(advanceTask(task, report(ENDED, { ...ending, number: 50 })), undefined);
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
