import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { mkdir, rmdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { Cause, TaskState } from '#protocol/gen/drover/v1/task_pb.ts';
import { newTask, sh, TaskNode, words } from '#test/fixture/task-node.ts';
import { until } from '#test/fixture/until.ts';

/** The first version's freezer: what it holds waits in the kernel, and SIGKILL waits with it. */
const freezer = '/sys/fs/cgroup/freezer';
const skip =
  process.getuid?.() !== 0 ? 'needs root' : !existsSync(join(freezer, 'cgroup.procs')) && 'needs a freezer';

/** Freezes a process. @returns how to thaw it. */
async function freeze(t: TestContext, pid: number): Promise<() => Promise<void>> {
  const group = join(freezer, `drover-test-${process.pid}-${pid}`);
  await mkdir(group);
  const thaw = () => writeFile(join(group, 'freezer.state'), 'THAWED');
  t.after(async () => {
    await thaw();
    await until('the freezer is empty', () =>
      rmdir(group).then(
        () => true,
        () => false,
      ),
    );
  });
  await writeFile(join(group, 'cgroup.procs'), `${pid}`);
  await writeFile(join(group, 'freezer.state'), 'FROZEN');
  return thaw;
}

test('TaskHost says what SIGKILL does not end, and ends the task when it is gone', { skip }, async (t) => {
  const node = await TaskNode.make(t);
  const host = await node.open();
  const task = newTask();
  host.start(sh(task, 'exec sleep 1000'));
  const { pid } = await node.until(task, TaskState.RUNNING);
  const thaw = await freeze(t, pid);
  await host.stop(task, 1, Cause.OPERATOR);
  const stuck = await node.find(task, ({ survivors }) => survivors.length > 0);
  assert.equal(stuck.state, TaskState.STOPPING);
  assert.deepEqual(
    stuck.survivors.map((survivor) => [survivor.pid, survivor.command, survivor.state]),
    [[pid, 'sleep', 'D']],
  );
  assert.match(
    stuck.reason,
    new RegExp(`^SIGKILL was sent \\d+ s ago, still there: sleep ${pid} \\(D: waits in the kernel\\)$`),
  );
  await thaw();
  const ended = await node.until(task, TaskState.ENDED);
  assert.deepEqual([ended.survivors, ended.cause, words(ended)], [[], Cause.OPERATOR, 'SIGTERM']);
});
