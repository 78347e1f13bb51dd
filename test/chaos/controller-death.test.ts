import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Freshness, TaskState } from '#protocol/gen/drover/v1/task_pb.ts';
import { drover } from '#test/fixture/drover-command.ts';
import { until } from '#test/fixture/until.ts';
import { ChaosCluster, killDaemon } from './chaos-cluster.ts';
import { exits, waits } from './commands.ts';
import { isAlive } from './processes.ts';

test('1: SIGKILL of the controller leaves 100 running tasks alone, and their states are right within 30 s', async (t) => {
  const cluster = await ChaosCluster.start(t, { nodes: 2 });
  await cluster.launch(waits(3), { count: 50 });
  await cluster.untilState(TaskState.RUNNING);
  const pids = (await cluster.tasks()).map((task) => task.attempts[0]?.pid ?? 0);
  assert.equal(pids.length, 100);

  await killDaemon(cluster.controller);
  assert.deepEqual(
    pids.filter((pid) => !isAlive(pid)),
    [],
  );
  const killedAt = performance.now();
  await cluster.startController();
  await until('every state is right', async () => {
    const tasks = await cluster.tasks();
    return tasks.every(({ state, freshness }) => state === TaskState.RUNNING && freshness === Freshness.LIVE);
  });
  assert.equal(performance.now() - killedAt < 30_000, true);
  assert.deepEqual(
    (await cluster.tasks()).map((task) => task.attempts[0]?.pid),
    pids,
  );
  await cluster.verify();
});

test('2: SIGKILL of the controller at every step: one launch is one start, news is lost by nobody', async (t) => {
  const cluster = await ChaosCluster.start(t);
  for (const point of ['controller.run-committed', 'controller.run-dispatched'] as const) {
    await t.test(`${point}: the command line asks again`, async () => {
      await killDaemon(cluster.controller);
      await cluster.startController(`${point}=kill`);
      const command = exits(4);
      const words = ['run', '-w', 'node1', '-o', 'json', '--env', `CHAOS=${cluster.directory}`, '--'];
      const running = drover([...words, ...command.argv], { data: cluster.directory });
      await cluster.untilKilledAt(cluster.controller, 'controller', point);
      await cluster.startController();
      const { code, stdout, stderr } = await running;
      assert.equal(code, 4, stderr);
      const ids = await cluster.adopt(JSON.parse(stdout).run.id, command);
      assert.equal(ids.length, 1);
      await cluster.settle();
    });
  }
  for (const point of ['controller.events-received', 'controller.events-committed'] as const) {
    await t.test(point, async () => {
      await killDaemon(cluster.controller);
      await cluster.startController(`${point}=kill`);
      const launched = cluster.launch(exits(5), { count: 20 });
      await cluster.untilKilledAt(cluster.controller, 'controller', point);
      await cluster.startController();
      await launched;
      await cluster.settle();
    });
  }
  await cluster.verify();
});
