import assert from 'node:assert/strict';
import { existsSync, mkdirSync, rmdirSync, writeFileSync } from 'node:fs';
import { constants } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { TaskState } from '#protocol/gen/drover/v1/task_pb.ts';
import { ChaosCluster } from './chaos-cluster.ts';
import { exits } from './commands.ts';
import { lowerLimit } from './limit-process.ts';

const { errno } = constants;

/** Launches one task, which does not start. */
async function refusal(cluster: ChaosCluster, argv: readonly string[], cwd = '') {
  const [id = ''] = await cluster.launch({ argv, code: 0, stdout: '' }, { spec: { cwd } });
  await cluster.untilState(TaskState.ENDED, [id]);
  const { outcome, attempts } = (await cluster.tasks([id]))[0] ?? {};
  assert.ok(outcome?.kind.case === 'notStarted', `it ended as ${outcome?.kind.case}`);
  assert.equal(attempts?.[0]?.pid, 0);
  return outcome.kind.value;
}

/** Makes every launch fail, and gives what ends that. */
type Exhaust = (t: TestContext, supervisor: number) => () => void;

/** No descriptor is left to the supervisor. */
const withoutDescriptors: Exhaust = (_, supervisor) => lowerLimit(supervisor, 'nofile', 3);

/** No process is left to the supervisor: by a cgroup for root, whom RLIMIT_NPROC does not bind. */
const withoutProcesses: Exhaust = (t, supervisor) => {
  if (process.getuid?.() !== 0) return lowerLimit(supervisor, 'nproc', 0);
  const group = `/sys/fs/cgroup/pids/drover-chaos-${process.pid}`;
  mkdirSync(group);
  t.after(() => rmdirSync(group));
  writeFileSync(join(group, 'pids.max'), '0');
  writeFileSync(join(group, 'cgroup.procs'), `${supervisor}`);
  return () => writeFileSync('/sys/fs/cgroup/pids/cgroup.procs', `${supervisor}`);
};

test('11: a start that fails says its step and errno, and the agent lives', async (t) => {
  const cluster = await ChaosCluster.start(t);
  const file = join(cluster.directory, 'not-executable');
  writeFileSync(file, '#!/bin/sh\n');
  const orphan = join(cluster.directory, 'without-interpreter');
  writeFileSync(orphan, '#!/no/such/interpreter\n', { mode: 0o755 });

  for (const [what, argv, cwd, step, code] of [
    ['no such command', ['no-such-command'], '', 'command', errno.ENOENT],
    ['no such file', ['/no/such/file'], '', 'command', errno.ENOENT],
    ['no such interpreter', [orphan], '', 'execve', errno.ENOENT],
    ['not executable', [file], '', 'command', errno.EACCES],
    ['no such working directory', ['/bin/true'], '/no/such/directory', 'chdir', errno.ENOENT],
    ['a working directory that is a file', ['/bin/true'], file, 'chdir', errno.ENOTDIR],
  ] as const) {
    await t.test(what, async () => {
      const refused = await refusal(cluster, argv, cwd);
      assert.deepEqual([refused.step, refused.errno], [step, code], refused.reason);
      assert.notEqual(refused.reason, '');
    });
  }

  const noCgroup = process.getuid?.() === 0 && !existsSync('/sys/fs/cgroup/pids');
  for (const [what, exhaust, code, skip] of [
    ['EMFILE: the supervisor has no descriptor left', withoutDescriptors, errno.EMFILE, false],
    [
      'EAGAIN: the supervisor has no process left',
      withoutProcesses,
      errno.EAGAIN,
      noCgroup && 'needs a pids cgroup',
    ],
  ] as const) {
    await t.test(what, { skip }, async (t) => {
      const restore = exhaust(t, cluster.supervisorPid());
      try {
        const refused = await refusal(cluster, ['/bin/true']);
        assert.equal(refused.errno, code, refused.reason);
      } finally {
        restore();
      }
    });
  }

  const pid = cluster.agent().pid;
  await cluster.launch(exits(1), { count: 3 });
  await cluster.verify({ notStarted: /./ });
  assert.equal(cluster.agent().pid, pid);
});
