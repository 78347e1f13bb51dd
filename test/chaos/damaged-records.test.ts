import assert from 'node:assert/strict';
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { startSupervisor } from '#agent/process/start-supervisor.ts';
import { SupervisorConnection } from '#agent/process/supervisor-connection.ts';
import type { AttemptStatus } from '#agent/process/supervisor-messages.ts';
import { systemClock } from '#base/clock.ts';
import { supervisorPath } from '#base/installation.ts';
import { TaskState } from '#protocol/gen/drover/v1/task_pb.ts';
import { until } from '#test/fixture/until.ts';
import { ChaosCluster, killDaemon } from './chaos-cluster.ts';
import { waits } from './commands.ts';
import { applyTo, changedAt, type Damage, damagesAt, emptied } from './damages.ts';
import { isAlive, killAll, monitorOf } from './processes.ts';

/** Places in a record at which it is damaged. */
const places = 12;

/** A supervisor starts on this directory; gives the attempts that it has once nothing is left of them, and ends it. */
async function statusesIn(directory: string): Promise<readonly AttemptStatus[]> {
  await startSupervisor(supervisorPath(), directory);
  const { connection, server } = await SupervisorConnection.open(directory, systemClock, () => {});
  try {
    let statuses = await connection.list();
    await until('each has ended', async () => {
      statuses = await connection.list();
      return statuses.every((status) => wordsOf(status) !== 'alive');
    });
    return statuses;
  } finally {
    connection[Symbol.dispose]();
    killAll([server.pid]);
    await until('it has ended', () => !isAlive(server.pid));
  }
}

test('16: a damaged record of the supervisor never makes up an end, and the server starts', async (t) => {
  const cluster = await ChaosCluster.start(t);
  await cluster.launch(waits(7));
  await cluster.untilState(TaskState.RUNNING);
  await killDaemon(cluster.agent());
  const task = (await cluster.tasks())[0];
  assert.ok(task);
  const { id } = task;
  const monitor = monitorOf(task);
  await cluster.gate.open();
  await until('its end is recorded', () => !isAlive(monitor));
  const bytes = readFileSync(cluster.recordOf(id));

  async function judge(damage: Damage) {
    const directory = join(cluster.directory, 'damaged', damage.name);
    const attempt = join(directory, 'attempts', `${id}.1`);
    mkdirSync(attempt, { recursive: true, mode: 0o700 });
    writeFileSync(join(attempt, 'record'), damage.apply(bytes));
    const [status, ...more] = await statusesIn(directory);
    assert.ok(status && more.length === 0, damage.name);
    const nothing = damage.apply(bytes).length === 0;
    assert.match(wordsOf(status), nothing ? neverForked : truth, damage.name);
  }
  await Promise.all(damagesAt(places).map(judge));
  rmSync(join(cluster.directory, 'damaged'), { recursive: true });
  await cluster.startAgent();
  await cluster.verify();
});

/** What an attempt without an entry in its record is taken for: the first entry is written before anything is forked. */
const neverForked = /^not started: monitor$/;

/** The real end, or that nobody knows. */
const truth = /^exited: 1792$|^lost: (record corrupt|start interrupted|monitor lost)/;

function wordsOf({ exited, lost, notStarted }: AttemptStatus): string {
  if (exited) return `exited: ${exited.status}`;
  if (lost) return `lost: ${lost.reason}`;
  return notStarted ? `not started: ${notStarted.step}` : 'alive';
}

const lostRecords = [
  ['empty', emptied],
  ['another byte', changedAt(0)],
] as const;

test('16: a task whose record is lost with everything that was running ends as unknown', async (t) => {
  const cluster = await ChaosCluster.start(t);
  for (const [what, damage] of lostRecords) {
    await t.test(what, async () => {
      await cluster.launch(waits(1), { count: 3 });
      await cluster.untilState(TaskState.RUNNING);
      const tasks = await cluster.tasks();
      await killDaemon(cluster.agent());
      killAll([cluster.supervisorPid(), ...tasks.map(monitorOf), ...cluster.taskProcesses()]);
      for (const { id } of tasks) applyTo(cluster.recordOf(id), damage);
      await cluster.startAgent();
      await cluster.settle({ unknown: /./ });
    });
  }
  await cluster.verify();
});

test('16: a task whose record is lost while it runs is adopted again', async (t) => {
  const cluster = await ChaosCluster.start(t);
  for (const [what, damage] of lostRecords) {
    await t.test(what, async () => {
      const ids = await cluster.launch(waits(1), { count: 3 });
      await cluster.untilState(TaskState.RUNNING);
      for (const id of ids) applyTo(cluster.recordOf(id), damage);
      killAll([cluster.supervisorPid()]);
      await until('another server is there', () => cluster.findSupervisorPid() !== undefined);
      await cluster.api.tasks.stopTasks({ query: { refs: ids }, graceMs: 200n });
      await cluster.settle({ signals: ['SIGTERM'] });
    });
  }
  await cluster.verify();
});

test('16: a task whose record and monitor are lost while it runs is not left to itself', async (t) => {
  const cluster = await ChaosCluster.start(t);
  for (const [what, damage] of lostRecords) {
    await t.test(what, async () => {
      const ids = await cluster.launch(waits(1), { count: 3 });
      await cluster.untilState(TaskState.RUNNING);
      const monitors = (await cluster.tasks()).filter(({ id }) => ids.includes(id)).map(monitorOf);
      // While a server is there that has read them: the next one reads them as soon as this one is gone.
      for (const id of ids) applyTo(cluster.recordOf(id), damage);
      killAll([cluster.supervisorPid(), ...monitors]);
      await cluster.settle({ unknown: /^record corrupt/ });
    });
  }
  await cluster.verify();
});
