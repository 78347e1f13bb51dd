import assert from 'node:assert/strict';
import { test } from 'node:test';
import { WhenUnreachable } from '#protocol/gen/drover/v1/api_pb.ts';
import { Cause, TaskState } from '#protocol/gen/drover/v1/task_pb.ts';
import { DispatchFixture } from './testing/dispatch-fixture.ts';
import type { TestAgent } from './testing/test-agent.ts';

const { FAIL, WAIT } = WhenUnreachable;
const { ENDED } = TaskState;
const never = new AbortController().signal;
const exited = (code: number) =>
  ({ state: ENDED, outcome: { kind: { case: 'exited', value: { code } } }, cause: Cause.ITSELF }) as const;

/** Starts that have come to an agent and were not taken. */
function startsAt(agent: TestAgent): number {
  return agent.frames.filter(({ case: kind }) => kind === 'start').length;
}

/** Lets everything that is under way in this process come to rest. */
async function rest(fixture: DispatchFixture): Promise<void> {
  for (let i = 0; i < 20; i += 1) {
    await new Promise((resolve) => setImmediate(resolve));
    await fixture.store.read.clusterId();
  }
}

test('pace() starts as many as there are places, and the next when one has ended', async () => {
  await using fixture = await DispatchFixture.start('n1', 'n2', 'n3');
  const [first, second, third] = [
    await fixture.join('n1'),
    await fixture.join('n2'),
    await fixture.join('n3'),
  ];
  const tasks = await fixture.pace(['n1', 'n2', 'n3'], { maxConcurrency: 2 });
  const start = await first.next('start');
  await second.next('start');
  await rest(fixture);
  assert.equal(startsAt(third), 0);
  assert.equal((await fixture.task(tasks[2]?.id ?? '')).reason, 'waits for its turn');
  first.event(1, start.taskId, exited(0));
  assert.equal((await third.next('start')).taskId, tasks[2]?.id);
});

test('pace() goes on where an earlier controller ended, and keeps the places of what it had started', async () => {
  await using fixture = await DispatchFixture.start('n1', 'n2', 'n3');
  const before = await fixture.join('n1');
  await fixture.join('n2');
  const [one, two] = await fixture.pace(['n1', 'n2', 'n3'], { maxConcurrency: 1 });
  assert.ok(one && two);
  await before.next('start');
  await fixture.stopDispatch();
  await fixture.clock.advance(600_000);
  await fixture.startDispatch();
  const first = await fixture.join('n1', { tasks: [one.id] });
  const second = await fixture.join('n2');
  await rest(fixture);
  assert.equal(startsAt(first) + startsAt(second), 0);
  first.event(1, one.id, exited(0));
  assert.equal((await second.next('start')).taskId, two.id);
});

test('pace() sends what was released and never arrived, however long ago the run began', async () => {
  await using fixture = await DispatchFixture.start('n1', 'n2');
  await fixture.join('n1');
  const [one] = await fixture.pace(['n1', 'n2'], { maxConcurrency: 1 });
  await fixture.stopDispatch();
  await fixture.clock.advance(600_000);
  await fixture.startDispatch();
  const agent = await fixture.join('n1', { tasks: [] });
  assert.equal((await agent.next('start')).taskId, one?.id);
});

test('pace() skips the rest once more have failed than may, unreachable ones too', async () => {
  await using fixture = await DispatchFixture.start('n1', 'n2', 'n3', 'n4');
  const agent = await fixture.join('n1');
  const skips = fixture.changed(({ outcome }) => outcome?.kind.case === 'skipped');
  const tasks = await fixture.pace(['n1', 'n2', 'n3', 'n4'], { maxConcurrency: 1, maxErrors: 1 });
  agent.event(1, (await agent.next('start')).taskId, exited(1));
  assert.equal((await skips).reason, '2 failed, and at most 1 may');
  const outcomes = await Promise.all(tasks.map(({ id }) => fixture.task(id)));
  assert.deepEqual(
    outcomes.map(({ outcome }) => outcome?.kind.case),
    ['exited', 'unreachable', 'skipped', 'skipped'],
  );
  assert.ok((await fixture.store.read.findRun(tasks[0]?.runId ?? ''))?.run.endedAt);
});

test('pace() waits for the sleep in the place of each task that has ended', async () => {
  await using fixture = await DispatchFixture.start('n1', 'n2');
  const [first, second] = [await fixture.join('n1'), await fixture.join('n2')];
  await fixture.pace(['n1', 'n2'], { maxConcurrency: 1, batchSleepMs: 5_000n });
  first.event(1, (await first.next('start')).taskId, exited(0));
  await first.next('ack');
  await fixture.clock.advance(4_000);
  await rest(fixture);
  assert.equal(startsAt(second), 0);
  await fixture.clock.advance(1_000);
  await second.next('start');
});

test('pace() lets a node that is waited for take no place, and starts there when it has come', async () => {
  await using fixture = await DispatchFixture.start('n1', 'n2');
  const second = await fixture.join('n2');
  const [one] = await fixture.pace(['n1', 'n2'], { maxConcurrency: 1 }, WAIT);
  const { taskId } = await second.next('start');
  const first = await fixture.join('n1');
  await rest(fixture);
  assert.equal(startsAt(first), 0);
  second.event(1, taskId, exited(0));
  assert.equal((await first.next('start')).taskId, one?.id);
});

test('pace() goes on without a node that became unreachable before its task ran, and counts that as a failure', async () => {
  await using fixture = await DispatchFixture.start('n1', 'n2', 'n3');
  const first = await fixture.join('n1');
  const tasks = await fixture.pace(['n1', 'n2', 'n3'], { maxConcurrency: 1, maxErrors: 1 });
  await first.next('start');
  await first[Symbol.asyncDispose]();
  await fixture.gone('n1');
  await fixture.advance(15_000);
  const second = await fixture.join('n2');
  await rest(fixture);
  assert.equal(startsAt(second), 0);
  await fixture.advance(6_000);
  const { taskId } = await second.next('start');
  // Nobody can say yet that the first will never start: it has no outcome.
  assert.equal((await fixture.task(tasks[0]?.id ?? '')).state, TaskState.PENDING);
  const skipped = fixture.changed(({ id }) => id === tasks[2]?.id);
  second.event(1, taskId, exited(1));
  assert.equal((await skipped).reason, '2 failed, and at most 1 may');
});

test('pace() keeps the place of a task that ran when its node became unreachable', async () => {
  await using fixture = await DispatchFixture.start('n1', 'n2');
  const first = await fixture.join('n1');
  await fixture.pace(['n1', 'n2'], { maxConcurrency: 1 });
  first.event(1, (await first.next('start')).taskId, { state: TaskState.RUNNING, pid: 42 });
  await first.next('ack');
  await first[Symbol.asyncDispose]();
  await fixture.gone('n1');
  await fixture.advance(120_000);
  const second = await fixture.join('n2');
  await fixture.advance(2_000);
  await rest(fixture);
  assert.equal(startsAt(second), 0);
});

test('pace() tries again when the store fails', async () => {
  await using fixture = await DispatchFixture.start('n1');
  const agent = await fixture.join('n1');
  fixture.storeFails = true;
  await fixture.pace(['n1'], { maxConcurrency: 1 }, FAIL);
  await rest(fixture);
  assert.equal(startsAt(agent), 0);
  fixture.storeFails = false;
  await fixture.clock.advance(1_000);
  await agent.next('start');
});

test('stop() ends tasks whose turn has not come, many in one transaction', async () => {
  await using fixture = await DispatchFixture.start('n1', 'n2', 'n3');
  const agent = await fixture.join('n1');
  const tasks = await fixture.pace(['n1', 'n2', 'n3'], { maxConcurrency: 1 });
  await agent.next('start');
  const [, ...held] = await Promise.all(tasks.map(({ id }) => fixture.task(id)));
  await Promise.all(held.map((task) => fixture.dispatch.stop(task, 0, Cause.OPERATOR, never)));
  for (const { id } of held) {
    const { outcome, cause, reason } = await fixture.task(id);
    assert.deepEqual(
      [outcome?.kind.case, cause, reason],
      ['skipped', Cause.OPERATOR, 'stopped before it was sent'],
    );
  }
});
