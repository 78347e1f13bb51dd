import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { Cause, LeftoverPolicy, RestartMode, TaskState } from '#protocol/gen/drover/v1/task_pb.ts';
import { newTask, sh, TaskNode, untilDead, words } from '#test/fixture/task-node.ts';

const { ENDED, RUNNING } = TaskState;
const keep = { leftovers: LeftoverPolicy.KEEP };

test('TaskHost keeps what outlives its leader where it is told to, and looks after it no more', async (t) => {
  const node = await TaskNode.make(t);
  const host = await node.open();
  const task = newTask();
  host.start(sh(task, 'setsid sleep 1000 & exit 3', keep));
  const ended = await node.until(task, ENDED);
  assert.deepEqual([words(ended), ended.reason], ['exit 3', 'one of its processes was left running']);
  const [leftover] = ended.leftovers;
  assert.ok(leftover);
  await assert.rejects(host.stop(task, 0, Cause.OPERATOR), /does not run here/);
  assert.equal(await host.shutdownSupervisor(), false, 'the leftover is still its descendant');
  await node.close();
  // Nor is it adopted by an agent that has forgotten it.
  await rm(join(node.directory, 'journal'));
  const again = await node.open();
  assert.deepEqual(again.held().tasks, []);
  process.kill(leftover.pid, 'SIGKILL');
  await untilDead(leftover.pid);
});

test('TaskHost ends also what it would have kept when the task is stopped', async (t) => {
  const node = await TaskNode.make(t);
  const host = await node.open();
  const task = newTask();
  host.start(sh(task, 'setsid sleep 1000 & wait', keep));
  await node.until(task, RUNNING);
  await host.stop(task, 10, Cause.OPERATOR);
  const ended = await node.until(task, ENDED);
  for (const { pid } of ended.leftovers) await untilDead(pid);
});

test('TaskHost restarts beside what it keeps', async (t) => {
  const node = await TaskNode.make(t);
  const host = await node.open();
  const task = newTask();
  const restart = { mode: RestartMode.ALWAYS, max: 1, backoffMs: 1n };
  host.start(sh(task, 'setsid sleep 1000 & exit 0', { ...keep, restart }));
  const second = await node.until(task, ENDED, 2);
  assert.equal(
    second.reason,
    'one of its processes was left running; not restarted: its one restart was used',
  );
  for (const attempt of node.ofTask(task)) {
    for (const { pid } of attempt.leftovers) process.kill(pid, 'SIGKILL');
  }
});

test('TaskHost that died before it gave the kept ones free does so when it is back', async (t) => {
  const node = await TaskNode.make(t);
  const task = newTask();
  const program = `
    import { TaskHost } from '#agent/process/task-host.ts';
    import { systemClock } from '#base/clock.ts';
    import { armFailpoints, parseFailpoints } from '#base/failpoint.ts';
    import { decideLaunch, sh, silentLog } from '#test/fixture/task-node.ts';
    const host = await TaskHost.open({
      directory: ${JSON.stringify(node.directory)}, clock: systemClock, log: silentLog,
      decideLaunch, decideSignal: () => ({ allowed: true }),
    });
    armFailpoints(parseFailpoints('agent.end-recorded=kill'));
    host.start(sh(${JSON.stringify(task)}, 'setsid sleep 1000 & exit 0', { leftovers: ${LeftoverPolicy.KEEP} }));
    setInterval(() => {}, 1000);
  `;
  const child = spawn(process.execPath, ['--input-type=module', '-e', program], {
    stdio: ['ignore', 'ignore', 'ignore'],
    cwd: import.meta.dirname,
  });
  t.after(() => child.kill('SIGKILL'));
  assert.deepEqual(await once(child, 'exit'), [null, 'SIGKILL']);
  await node.open();
  const { leftovers } = await node.until(task, ENDED);
  for (const { pid } of leftovers) {
    process.kill(pid, 'SIGKILL');
    await untilDead(pid);
  }
});
