import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Cause, RestartMode, TaskState } from '#protocol/gen/drover/v1/task_pb.ts';
import { until } from '#test/fixture/until.ts';
import { ChaosCluster, killDaemon } from './chaos-cluster.ts';
import { exits, shell, waits } from './commands.ts';
import { testInNamespace } from './in-namespace.ts';
import { isAlive, killAll } from './processes.ts';

const bootIdFile = '/proc/sys/kernel/random/boot_id';

/** The node's power is cut and it comes up again: none of its processes is left, and the kernel has another boot id. */
function reboot(cluster: ChaosCluster): void {
  for (let left = cluster.nodeProcesses(); left.length > 0; left = cluster.nodeProcesses()) killAll(left);
  const before = readFileSync(bootIdFile, 'utf8');
  const id = join(cluster.directory, 'boot_id');
  writeFileSync(id, `${randomUUID()}\n`);
  execFileSync('mount', ['--bind', id, bootIdFile]);
  cluster.defer(() => execFileSync('umount', [bootIdFile]));
  assert.notEqual(readFileSync(bootIdFile, 'utf8'), before);
}

testInNamespace(
  '27: after a reboot what ran is unknown(reboot), what had ended keeps its code, and only what is to be restarted is',
  { file: import.meta.filename, unshare: [] },
  async (t) => {
    const cluster = await ChaosCluster.start(t);
    const running = await cluster.launch(waits(5), { count: 5 });
    const [ended = ''] = await cluster.launch(
      shell(['while [ ! -e "$CHAOS/go" ]; do sleep 0.1; done', 'exit 4'], 4, ''),
    );
    const spec = { restart: { mode: RestartMode.ON_FAILURE, backoffMs: 1n } };
    const restarted = await cluster.launch(waits(0), { count: 2, spec });
    await cluster.untilState(TaskState.RUNNING);
    await killDaemon(cluster.agent());
    const pid = (await cluster.tasks([ended]))[0]?.attempts[0]?.pid ?? 0;
    writeFileSync(join(cluster.directory, 'go'), '');
    await until('it has ended unseen', () => !isAlive(pid));
    reboot(cluster);
    // What was not synced when the power was cut.
    writeFileSync(cluster.recordOf(running[0] ?? ''), '');

    await cluster.startAgent();
    await cluster.untilState(TaskState.ENDED, [...running, ended]);
    await cluster.untilState(TaskState.RUNNING, restarted);
    for (const { outcome, cause } of await cluster.tasks(running)) {
      assert.ok(outcome?.kind.case === 'unknown');
      assert.equal(outcome.kind.value.reason, 'reboot');
      assert.equal(cause, Cause.REBOOT);
    }
    assert.equal((await cluster.tasks([ended]))[0]?.outcome?.kind.case, 'exited');

    for (const { attempts } of await cluster.tasks(restarted)) {
      assert.deepEqual(
        attempts.map(({ outcome }) => outcome?.kind.case),
        ['unknown', undefined],
      );
    }

    await killDaemon(cluster.agent());
    await cluster.startAgent('node1', 'agent.start-accepted=kill');
    const [accepted = ''] = await cluster.launch(exits(0));
    await cluster.untilKilledAt(cluster.agent(), 'node1', 'agent.start-accepted');
    reboot(cluster);
    await cluster.startAgent();
    await cluster.untilState(TaskState.ENDED, [accepted]);
    await cluster.untilState(TaskState.RUNNING, restarted);
    assert.equal((await cluster.tasks([accepted]))[0]?.outcome?.kind.case, 'unknown');
    await cluster.verify({ unknown: /^reboot$/ });
  },
);
