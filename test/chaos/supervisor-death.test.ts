import assert from 'node:assert/strict';
import { test } from 'node:test';
import { TaskState } from '#protocol/gen/drover/v1/task_pb.ts';
import { until } from '#test/fixture/until.ts';
import { ChaosCluster } from './chaos-cluster.ts';
import { exits, shell, waits } from './commands.ts';
import { isAlive, killAll, monitorOf } from './processes.ts';

test('8: SIGKILL of the server, and of monitors: every exit is kept, or said to be unknown', async (t) => {
  const cluster = await ChaosCluster.start(t);
  const launchWaiting = async (count: number) => {
    await cluster.closeGate();
    const ids = await cluster.launch(waits(9), { count });
    await cluster.untilState(TaskState.RUNNING, ids);
    return ids;
  };

  await t.test('the server, while tasks start: the next one finds all', async () => {
    await launchWaiting(20);
    const launched = cluster.launch(exits(8), { count: 30 });
    const server = cluster.supervisorPid();
    killAll([server]);
    await launched;
    await until('another server is there', () => cluster.findSupervisorPid() !== undefined);
    assert.notEqual(cluster.supervisorPid(), server);
    await cluster.gate.open();
    await cluster.settle();
  });

  await t.test('the server, while tasks end', async () => {
    await launchWaiting(20);
    killAll([cluster.supervisorPid()]);
    await cluster.gate.open();
    await cluster.settle();
  });

  await t.test('monitors: their tasks go on, and end with their code or as unknown', async () => {
    const tasks = await cluster.tasks(await launchWaiting(6));
    killAll(tasks.slice(0, 4).map(monitorOf));
    for (const task of tasks) assert.equal(isAlive(task.attempts[0]?.pid ?? 0), true);
    await cluster.gate.open();
    await cluster.settle({ unknown: /^monitor lost$/ });
  });

  await cluster.verify();
});

test('8: SIGKILL of server and monitors: what the tasks forked is still found and killed', async (t) => {
  const cluster = await ChaosCluster.start(t);
  const forks = ['sleep 1000 &', 'setsid sleep 1000 &', '(setsid sleep 1000 &)', 'echo there', 'sleep 1000'];
  const ids = await cluster.launch(shell(forks, 0, 'there\n'), { count: 3 });
  await cluster.untilState(TaskState.RUNNING);
  await until('they have forked', () => cluster.taskProcesses().length >= 3 * 5);
  const tasks = await cluster.tasks(ids);
  const server = cluster.supervisorPid();
  killAll([...tasks.slice(0, 2).map(monitorOf), server]);
  await until('another server is there', () => cluster.findSupervisorPid() !== undefined);
  await cluster.stopTasks(ids, 200);
  await cluster.verify({ unknown: /^monitor lost$/, signals: ['SIGTERM'] });
});
