/** Runs that start their tasks as others end, through a real cluster: also while the controller is away. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import type { MessageInitShape } from '@bufbuild/protobuf';
import { timestampMs } from '@bufbuild/protobuf/wkt';
import { v7 } from 'uuid';
import { compareNames } from '#core/node-set/compare-names.ts';
import { WhenUnreachable } from '#protocol/gen/drover/v1/api_pb.ts';
import { type PacingSchema, type Run, type Task, TaskState } from '#protocol/gen/drover/v1/task_pb.ts';
import { TestCluster } from '#test/fixture/cluster.ts';
import { until } from '#test/fixture/until.ts';

let cluster: TestCluster;

before(async () => {
  cluster = await TestCluster.start(4);
});

after(() => cluster?.[Symbol.asyncDispose]());

async function launch(
  script: string,
  pacing: MessageInitShape<typeof PacingSchema>,
  whenUnreachable: WhenUnreachable = WhenUnreachable.FAIL,
): Promise<string> {
  const spec = { argv: ['sh', '-c', script] };
  const request = { id: v7(), nodes: '@all', spec, pacing, whenUnreachable };
  const { run } = await cluster.connection.runs.createRun(request);
  assert.ok(run);
  return run.id;
}

async function tasksOf(runId: string): Promise<Task[]> {
  const { tasks } = await cluster.connection.tasks.listTasks({ query: { runId } });
  return tasks.toSorted((a, b) => compareNames(a.node, b.node));
}

async function ended(id: string): Promise<{ run: Run; tasks: Task[] }> {
  let run: Run | undefined;
  await until('the run has ended', async () => {
    run = await cluster.connection.runs.getRun({ id });
    return run.endedAt !== undefined;
  });
  assert.ok(run);
  return { run, tasks: await tasksOf(id) };
}

function span({ attempts: [attempt] }: Task): { from: number; to: number } {
  assert.ok(attempt?.startedAt && attempt.endedAt);
  return { from: timestampMs(attempt.startedAt), to: timestampMs(attempt.endedAt) };
}

/** Most tasks that ran at the same moment, by the clock of their nodes. */
function mostAtOnce(tasks: readonly Task[]): number {
  const spans = tasks.map(span);
  return Math.max(
    ...spans.map(({ from }) => spans.filter((other) => other.from <= from && from < other.to).length),
  );
}

test('a run with two tasks at once has never more, also over a restart of the controller', async () => {
  const id = await launch('sleep 0.4', { maxConcurrency: 2 });
  assert.deepEqual(
    (await tasksOf(id)).map(({ reason }) => reason).filter((reason) => reason === 'waits for its turn')
      .length,
    2,
  );
  await until('a task runs', async () =>
    (await tasksOf(id)).some(({ state }) => state === TaskState.RUNNING),
  );
  await cluster.restartController();
  const { run, tasks } = await ended(id);
  assert.deepEqual([run.counts?.succeeded, run.pacing?.maxConcurrency], [4, 2]);
  assert.equal(mostAtOnce(tasks), 2);
  for (const { attempts } of tasks) assert.equal(attempts.length, 1);
});

test('a run that has failed too often skips the rest and says why', async () => {
  const id = await launch('test $DROVER_NODE != node2', { maxConcurrency: 1, maxErrors: 0 });
  const { run, tasks } = await ended(id);
  const { succeeded, failed, skipped } = run.counts ?? {};
  assert.deepEqual({ succeeded, failed, skipped }, { succeeded: 1, failed: 1, skipped: 2 });
  assert.deepEqual(
    tasks.map(({ node, outcome }) => [node, outcome?.kind.case]),
    [
      ['node1', 'exited'],
      ['node2', 'exited'],
      ['node3', 'skipped'],
      ['node4', 'skipped'],
    ],
  );
  assert.equal(tasks[3]?.reason, '1 failed, and at most 0 may');
});

test('a pause is kept after the end of each task', async () => {
  const id = await launch('true', { maxConcurrency: 1, batchSleepMs: 200n });
  const spans = (await ended(id)).tasks.map(span);
  for (const [i, { from }] of spans.entries()) {
    const previous = spans[i - 1];
    if (previous) assert.ok(from - previous.to >= 199, `${from - previous.to} ms`);
  }
});

test('a node that is waited for takes no place until it is there', async () => {
  await cluster.stopNode('node1');
  const id = await launch('true', { maxConcurrency: 1 }, WhenUnreachable.WAIT);
  await until('all others have ended', async () => {
    const [first, ...others] = await tasksOf(id);
    return first?.state === TaskState.PENDING && others.every(({ state }) => state === TaskState.ENDED);
  });
  await cluster.startNode('node1');
  const { run, tasks } = await ended(id);
  assert.equal(run.counts?.succeeded, 4);
  assert.equal(mostAtOnce(tasks), 1);
});

test('a stop ends those whose turn has not come, and none of them starts', async () => {
  const id = await launch('sleep 60', { maxConcurrency: 1 });
  await until('one runs', async () => (await tasksOf(id)).some(({ state }) => state === TaskState.RUNNING));
  await cluster.connection.tasks.stopTasks({ query: { runId: id } });
  const { tasks } = await ended(id);
  assert.deepEqual(
    tasks.map(({ outcome }) => outcome?.kind.case),
    ['signaled', 'skipped', 'skipped', 'skipped'],
  );
});
