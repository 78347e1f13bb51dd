import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Freshness, TaskState } from '#protocol/gen/drover/v1/task_pb.ts';
import { until } from '#test/fixture/until.ts';
import { ChaosCluster, killDaemon } from './chaos-cluster.ts';
import { exits, shell, waits, writes } from './commands.ts';
import { isAlive } from './processes.ts';

test('3: SIGKILL of the agent: its tasks go on, and are adopted within 5 s', async (t) => {
  const cluster = await ChaosCluster.start(t);
  await cluster.launch(waits(3), { count: 30 });
  await cluster.launch(writes(2_000, 0), { count: 10 });
  await cluster.untilState(TaskState.RUNNING);
  const pids = (await cluster.tasks()).map((task) => task.attempts[0]?.pid ?? 0);

  await killDaemon(cluster.agent());
  assert.deepEqual(
    pids.filter((pid) => !isAlive(pid)),
    [],
  );
  const killedAt = performance.now();
  await cluster.startAgent();
  await until('all are adopted', async () => {
    const tasks = await cluster.tasks();
    return tasks.every(({ state, freshness }) => state === TaskState.RUNNING && freshness === Freshness.LIVE);
  });
  assert.equal(performance.now() - killedAt < 5_000, true);
  assert.deepEqual(
    (await cluster.tasks()).map((task) => task.attempts[0]?.pid),
    pids,
  );
  await cluster.verify();
});

test('4, 5, 6: SIGKILL of the agent at every step: every start is one start, every end is told', async (t) => {
  const cluster = await ChaosCluster.start(t);
  for (const [number, point, times] of [
    [4, 'agent.start-received', 5],
    [4, 'agent.start-accepted', 5],
    [4, 'agent.journal-write', 3],
    [4, 'agent.journal-sync', 3],
    [5, 'agent.start-answered', 5],
    [6, 'agent.end-seen', 4],
    [6, 'agent.end-recorded', 4],
    [6, 'agent.end-released', 4],
    [6, 'agent.acknowledged', 1],
    [6, 'agent.journal-replace', 1],
  ] as const) {
    await t.test(`${number}: ${point}`, async () => {
      await killDaemon(cluster.agent());
      await cluster.spawnAgent('node1', `${point}=kill@${times}`);
      await cluster.launch(exits(number), { count: 12 });
      await cluster.untilKilledAt(cluster.agent(), 'node1', point);
      await cluster.startAgent();
      await cluster.settle();
    });
  }
  await cluster.verify();
});

test('6: an end while the agent is away keeps its code and what it used', async (t) => {
  const cluster = await ChaosCluster.start(t);
  const burn = 'i=0; while [ $i -lt 100000 ]; do i=$((i + 1)); done';
  const [id = ''] = await cluster.launch(shell([`flock -s "$CHAOS/gate" true`, burn, 'exit 7'], 7, ''));
  await cluster.untilState(TaskState.RUNNING);
  await killDaemon(cluster.agent());
  const [running] = await cluster.tasks([id]);
  const pid = running?.attempts[0]?.pid ?? 0;
  await cluster.gate.open();
  await until('it has ended', () => !isAlive(pid));
  await cluster.startAgent();
  await cluster.untilState(TaskState.ENDED);
  const usage = (await cluster.tasks([id]))[0]?.attempts[0]?.usage;
  assert.equal(Number(usage?.userUs) > 10_000, true);
  assert.equal(Number(usage?.maxRssBytes) > 100_000, true);
  await cluster.verify();
});

test('7: 1,000 instant exits are 1,000 codes, each started before it exited', async (t) => {
  const cluster = await ChaosCluster.start(t);
  for (let code = 0; code < 10; code++) await cluster.launch(exits(code), { count: 100 });
  await cluster.untilState(TaskState.ENDED);
  const tasks = await cluster.tasks();
  assert.equal(tasks.length, 1_000);
  for (const { attempts } of tasks) {
    const [attempt] = attempts;
    assert.ok(attempt?.startedAt && attempt.endedAt && attempt.usage);
  }
  await cluster.verify();
  const states = new Map<string, TaskState[]>();
  for (const { taskId, attempt } of [...cluster.recorder.recorded.values()].flat()) {
    states.set(taskId, [...(states.get(taskId) ?? []), attempt?.state ?? 0]);
  }
  for (const told of states.values()) {
    assert.deepEqual(told, [TaskState.STARTING, TaskState.RUNNING, TaskState.ENDED]);
  }
});
