/** Restarts by an agent that dies by SIGKILL at each step of one: every attempt starts at most once, none beside another. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import type { Failpoint } from '#base/failpoint.ts';
import { Cause, RestartMode, TaskState } from '#protocol/gen/drover/v1/task_pb.ts';
import { isLast, newTask, TaskNode } from '#test/fixture/task-node.ts';

/** Where an agent dies, and which time that it comes there. */
const deaths: readonly (readonly [Failpoint, number])[] = [
  ['agent.start-accepted', 3],
  ['agent.start-answered', 2],
  ['agent.end-seen', 2],
  ['agent.end-recorded', 2],
  ['agent.end-released', 2],
  ['agent.journal-write', 7],
  ['agent.journal-sync', 8],
];

/** An agent that restarts `task` until it is killed; it orders it, as the first of them must. */
async function live(directory: string, task: string, script: string, point: Failpoint, times: number) {
  const restart = `{ mode: ${RestartMode.ALWAYS}, backoffMs: 1n, backoffMaxMs: 1n }`;
  const program = `
    import { TaskHost } from '#agent/process/task-host.ts';
    import { systemClock } from '#base/clock.ts';
    import { armFailpoints, parseFailpoints } from '#base/failpoint.ts';
    import { decideLaunch, sh, silentLog } from '#test/fixture/task-node.ts';
    armFailpoints(parseFailpoints('${point}=kill@${times}'));
    const host = await TaskHost.open({
      directory: ${JSON.stringify(directory)}, clock: systemClock, log: silentLog,
      decideLaunch, decideSignal: () => ({ allowed: true }),
    });
    host.start(sh('${task}', ${JSON.stringify(script)}, { restart: ${restart} }));
    setInterval(() => {}, 1000);
  `;
  const options = { stdio: 'ignore', cwd: import.meta.dirname } as const;
  const agent = spawn(process.execPath, ['--input-type=module', '-e', program], options);
  assert.deepEqual(await once(agent, 'exit'), [null, 'SIGKILL'], point);
}

test('TaskHost killed at each step of a restart starts every attempt once, and never two at a time', async (t) => {
  const node = await TaskNode.make(t);
  const task = newTask();
  const record = join(node.directory, 'record');
  const lock = join(node.directory, 'lock');
  const script = `mkdir ${lock} || echo beside >> ${record}; echo $DROVER_ATTEMPT_ID >> ${record}; rmdir ${lock}`;
  for (const [point, times] of deaths) await live(node.directory, task, script, point, times);
  const host = await node.open();
  const { number } = await node.find(task, ({ state }) => state === TaskState.RUNNING);
  await host.stop(task, 1_000, Cause.OPERATOR);
  const last = await node.find(task, isLast);
  assert.ok(last.number >= number && last.number > deaths.length);
  const started = (await readFile(record, 'utf8')).trim().split('\n');
  const expected = Array.from({ length: started.length }, (_, i) => `${task}.${i + 1}`);
  assert.deepEqual(started, expected);
  assert.ok(last.number - started.length <= 1, 'at most the last was stopped before it had started');
});
