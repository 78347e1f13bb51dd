import assert from 'node:assert/strict';
import { copyFileSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { systemClock } from '#base/clock.ts';
import type { DaemonProcess } from '#cli/up/daemon-process.ts';
import { TaskState } from '#protocol/gen/drover/v1/task_pb.ts';
import { until } from '#test/fixture/until.ts';
import { ChaosCluster, killDaemon } from './chaos-cluster.ts';
import { exits, waits } from './commands.ts';
import {
  applyTo,
  changedAt,
  cutAt,
  type Damage,
  emptied,
  extended,
  overwritten,
  zeroFrom,
} from './damages.ts';
import { isAlive } from './processes.ts';

/** The daemon ends at once, with exit code 1 and one line that names the file. */
async function assertRefuses(daemon: DaemonProcess, path: string): Promise<void> {
  const { logPath, title } = daemon.spec;
  await until(`${title} ends`, () => !isAlive(daemon.pid ?? 0));
  const { code, lastWords } = await daemon.ended;
  assert.equal(code, 1, `${title}: ${lastWords}`);
  const lines = readFileSync(logPath, 'utf8').trim().split('\n');
  assert.match(lines.at(-1) ?? '', /^drover (agent|controller): /);
  assert.equal(lines.at(-1)?.includes(path), true, `${lines.at(-1)} does not name ${path}`);
  assert.doesNotMatch(lines.at(-1) ?? '', /internal|undefined|\bat \//);
}

test('16: an agent whose journal is damaged starts, starts nothing twice, and has its tasks', async (t) => {
  const cluster = await ChaosCluster.start(t);
  const allowed = { unknown: /^the records of its agent were lost$/, journalLost: true };
  for (const damage of [
    emptied,
    overwritten,
    extended,
    ...[0, 0.5, 0.97].map(changedAt),
    ...[0.5, 0.97].map(cutAt),
    zeroFrom(0.5),
  ]) {
    await t.test(damage.name, async () => {
      await cluster.closeGate();
      await cluster.launch(exits(1), { count: 3 });
      const running = await cluster.launch(waits(2), { count: 2 });
      await cluster.untilState(TaskState.RUNNING, running);
      await killDaemon(cluster.agent());
      applyTo(join(cluster.directoryOf(), 'journal'), damage);
      await cluster.startAgent();
      await cluster.gate.open();
      await cluster.launch(exits(3));
      await cluster.settle(allowed);
    });
  }
  await cluster.verify(allowed);
});

test('16: an agent names the file of its state that is damaged', async (t) => {
  const cluster = await ChaosCluster.start(t);
  await cluster.launch(waits(2), { count: 3 });
  await cluster.untilState(TaskState.RUNNING);
  await killDaemon(cluster.agent());
  const [directory, identity] = [cluster.directoryOf(), join(cluster.directoryOf(), 'identity')];
  for (const [file, named, damage] of [
    ['identity/node.json', identity, emptied],
    ['identity/key.pem', identity, overwritten],
    ['identity/key.pem', identity, changedAt(0.5)],
    ['identity/certificate.pem', identity, cutAt(0.6)],
    ['identity/certificate.pem', identity, changedAt(0.3)],
    ['identity/root.pem', identity, changedAt(0.8)],
    ['lock', join(directory, 'lock'), overwritten],
  ] as const) {
    await t.test(`${file}, ${damage.name}`, async () => {
      const path = join(directory, file);
      copyFileSync(path, `${path}.good`);
      applyTo(path, damage);
      await assertRefuses(await cluster.spawnAgent(), named);
      copyFileSync(`${path}.good`, path);
    });
  }
  await cluster.startAgent();
  await cluster.verify();
});

test('16: what an agent can do without does not keep it from starting', async (t) => {
  const cluster = await ChaosCluster.start(t);
  await cluster.launch(waits(2), { count: 3 });
  await cluster.untilState(TaskState.RUNNING);
  for (const file of ['lock.holder', 'supervisor/usage', 'supervisor/supervisor.lock']) {
    await killDaemon(cluster.agent());
    process.kill(cluster.supervisorPid(), 'SIGKILL');
    applyTo(join(cluster.directoryOf(), file), overwritten);
    await cluster.startAgent();
  }
  await cluster.verify();
});

test('16: fsync fails in the agent: starts are refused with the reason, ends are told later', async (t) => {
  const cluster = await ChaosCluster.start(t);
  await cluster.launch(waits(2), { count: 3 });
  await cluster.untilState(TaskState.RUNNING);
  await killDaemon(cluster.agent());
  const eio = 'agent.journal-sync=error:EIO@2-,agent.journal-replace=error:EIO@2-4';
  await cluster.startAgent('node1', eio);
  await cluster.launch(exits(3), { count: 4 });
  await cluster.launch(exits(3), { count: 4 });
  await cluster.gate.open();
  await until('the fault has fired', () => cluster.reached('node1', 'agent.journal-replace') >= 3);
  await cluster.verify({ notStarted: /^journal: EIO/ });
});

test('16: a controller names the file of its state that is damaged or lost', async (t) => {
  const cluster = await ChaosCluster.start(t);
  await cluster.launch(waits(2), { count: 3 });
  await cluster.untilState(TaskState.RUNNING);
  // In order, so that everything is in one file.
  await cluster.controller.stop(systemClock);
  const directory = cluster.layout.controller;
  assert.equal(readdirSync(directory).includes('drover.db-wal'), false);
  for (const [file, damage] of [
    ['drover.db', emptied],
    ['drover.db', overwritten],
    ['drover.db', changedAt(0)],
    ['drover.db', cutAt(0.5)],
    ['pki/root.pem', overwritten],
    ['pki/node-ca.pem', cutAt(0.5)],
    ['pki/controller.pem', changedAt(0.5)],
    ['lock', overwritten],
    ['drover.db', 'lost'],
    ['pki/root.pem', 'lost'],
  ] as const satisfies readonly (readonly [string, Damage | 'lost'])[]) {
    await t.test(`${file}, ${damage === 'lost' ? 'lost' : damage.name}`, async () => {
      const path = join(directory, file);
      copyFileSync(path, `${path}.good`);
      if (damage === 'lost') rmSync(path);
      else applyTo(path, damage);
      await assertRefuses(cluster.spawnController(), path);
      copyFileSync(`${path}.good`, path);
    });
  }
  await cluster.startController();
  await cluster.verify();
});

test('16: a controller makes up for a torn tail of its database, and for files that it can write anew', async (t) => {
  const cluster = await ChaosCluster.start(t);
  await cluster.launch(waits(2), { count: 3 });
  await cluster.untilState(TaskState.RUNNING);
  await killDaemon(cluster.controller);
  const directory = cluster.layout.controller;
  applyTo(join(directory, 'drover.db-wal'), extended);
  applyTo(join(directory, 'drover.db-shm'), overwritten);
  await cluster.startController();
  await killDaemon(cluster.controller);
  writeFileSync(join(directory, 'lock.holder'), '\0');
  rmSync(join(directory, 'pki', 'controller.pem'));
  await cluster.startController();
  await cluster.verify();
});
