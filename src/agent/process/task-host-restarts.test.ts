import assert from 'node:assert/strict';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { timestampMs } from '@bufbuild/protobuf/wkt';
import { Journal } from '#agent/journal/journal.ts';
import { systemClock } from '#base/clock.ts';
import { armFailpoints, parseFailpoints } from '#base/failpoint.ts';
import {
  type Attempt,
  Cause,
  LogSource,
  RestartMode,
  SignalScope,
  TaskState,
} from '#protocol/gen/drover/v1/task_pb.ts';
import {
  isLast,
  newTask,
  output,
  type SpecInit,
  sh,
  silentLog,
  TaskNode,
  words,
} from '#test/fixture/task-node.ts';

const { RUNNING, STOPPING, ENDED } = TaskState;
const { ON_FAILURE, ALWAYS } = RestartMode;

/** Restarts at once. */
function restart(mode: RestartMode, max = 0): SpecInit {
  return { restart: { mode, max, backoffMs: 1n, backoffMaxMs: 1n } };
}

/** Restarts when the test is long over. */
const later: SpecInit = { restart: { mode: ALWAYS, backoffMs: 3_600_000n, backoffMaxMs: 3_600_000n } };

/** The ended attempts of a task, once its last has ended. */
async function allEnded(node: TaskNode, task: string): Promise<Attempt[]> {
  await node.find(task, isLast);
  return node.ofTask(task).filter((attempt) => attempt.state === ENDED);
}

test('TaskHost restarts what fails as often as it may, each attempt with its own output, and says why no more', async (t) => {
  const node = await TaskNode.make(t);
  const host = await node.open();
  const task = newTask();
  host.start(sh(task, 'echo $$; exit 3', restart(ON_FAILURE, 2)));
  const ended = await allEnded(node, task);
  assert.deepEqual(
    ended.map(({ number, reason }) => [number, reason]),
    [
      [1, ''],
      [2, ''],
      [3, 'not restarted: its 2 restarts were used'],
    ],
  );
  assert.equal(new Set(ended.map(({ pid }) => pid)).size, 3);
  for (const { pid, number, usage } of ended) {
    assert.equal(await output(host, task, LogSource.STDOUT, false, number), `${pid}\n`);
    assert.ok(usage && usage.maxRssBytes > 0n);
  }
  const [first] = ended;
  assert.ok(
    first?.restartAt && first.endedAt && timestampMs(first.restartAt) - timestampMs(first.endedAt) <= 2,
  );
});

test('TaskHost restarts until a success, where only failures are restarted', async (t) => {
  const node = await TaskNode.make(t);
  const host = await node.open();
  const task = newTask();
  const count = join(node.directory, 'count');
  host.start(sh(task, `echo x >> ${count}; [ $(wc -l < ${count}) = 4 ]`, restart(ON_FAILURE)));
  const ended = await allEnded(node, task);
  assert.deepEqual(ended.map(words), ['exit 1', 'exit 1', 'exit 1', 'exit 0']);
  assert.equal(ended.at(-1)?.reason, '');
});

test('TaskHost ends a crash loop with the reason, also over its own restarts', async (t) => {
  const node = await TaskNode.make(t);
  const host = await node.open();
  const task = newTask();
  host.start(sh(task, 'exit 1', { restart: { mode: ALWAYS, backoffMs: 30n, backoffMaxMs: 30n } }));
  for (const number of [3, 6]) {
    await node.until(task, ENDED, number);
    await node.close();
    await node.open();
  }
  const last = await node.find(task, isLast);
  assert.equal(last.number, 10);
  assert.equal(last.reason, 'not restarted: crash loop, 10 attempts in a row failed within 10 s each');
});

test('TaskHost goes on waiting after its own restart, acknowledged or not, and restarts when the time has come', async (t) => {
  const node = await TaskNode.make(t);
  const host = await node.open();
  const pause = { restart: { mode: ALWAYS, backoffMs: 400n } };
  const tasks = [newTask(), newTask()];
  for (const task of tasks) {
    host.start(sh(task, 'echo again', pause));
    await node.until(task, ENDED, 1);
  }
  host.acknowledge(host.held().lastEvent);
  await node.close();
  const again = await node.open();
  assert.deepEqual(new Set(again.held().tasks), new Set(tasks));
  for (const task of tasks) {
    const first = await node.until(task, ENDED, 1);
    const second = await node.until(task, RUNNING, 2);
    assert.ok(first.restartAt && second.startedAt);
    assert.ok(timestampMs(second.startedAt) >= timestampMs(first.restartAt));
    await again.stop(task, 1, Cause.OPERATOR).catch(() => {});
  }
});

test('TaskHost.stop() of a task that waits calls its restart off; a signal to it is refused', async (t) => {
  const node = await TaskNode.make(t);
  const host = await node.open();
  const task = newTask();
  host.start(sh(task, 'exit 4', later));
  const waiting = await node.until(task, ENDED);
  assert.ok(waiting.restartAt);
  const refusal = { name: 'RefusedOrderError', message: `task ${task} does not run: it waits for attempt 2` };
  await assert.rejects(host.signal(task, 'SIGHUP', SignalScope.LEADER), refusal);
  await host.stop(task, 0, Cause.OPERATOR);
  const ended = await node.find(task, isLast);
  const { restartCalledOff, reason, cause, number } = ended;
  assert.deepEqual(
    [restartCalledOff, cause, number, words(ended)],
    [Cause.OPERATOR, Cause.ITSELF, 1, 'exit 4'],
  );
  assert.equal(reason, 'not restarted: an operator stopped it');
  await assert.rejects(host.stop(task, 0, Cause.OPERATOR), /does not run here/);
  await node.close();
  const again = await node.open();
  await assert.rejects(again.stop(task, 0, Cause.OPERATOR), /does not run here/);
});

test('TaskHost restarts what an operator kills, and not what one stops', async (t) => {
  const node = await TaskNode.make(t);
  const host = await node.open();
  const task = newTask();
  host.start(sh(task, 'exec sleep 1000', restart(ALWAYS)));
  await node.until(task, RUNNING, 1);
  await host.signal(task, 'SIGKILL', SignalScope.LEADER);
  assert.equal((await node.until(task, ENDED, 1)).cause, Cause.OPERATOR);
  await node.until(task, RUNNING, 2);
  await host.stop(task, 1_000, Cause.OPERATOR);
  const last = await node.find(task, isLast);
  assert.deepEqual([last.number, words(last), last.cause], [2, 'SIGTERM', Cause.OPERATOR]);
  assert.equal(last.reason, 'not restarted: an operator stopped it');
});

test('TaskHost restarts what took too long, unless it is stopped meanwhile, also over its own restart', async (t) => {
  const node = await TaskNode.make(t);
  const host = await node.open();
  const [slow, stopped] = [newTask(), newTask()];
  const stubborn = 'trap "" TERM; while :; do sleep 0.01; done';
  host.start(sh(slow, 'exec sleep 1000', { ...restart(ON_FAILURE, 1), timeoutMs: 30n }));
  host.start(sh(stopped, stubborn, { ...restart(ON_FAILURE, 1), timeoutMs: 30n, stopGraceMs: 3_600_000n }));
  const ended = await allEnded(node, slow);
  assert.deepEqual(
    ended.map(({ cause }) => cause),
    [Cause.TIMEOUT, Cause.TIMEOUT],
  );
  await node.until(stopped, STOPPING);
  await host.stop(stopped, 3_600_000, Cause.OPERATOR);
  await node.close();
  const again = await node.open();
  await again.stop(stopped, 1, Cause.SHUTDOWN);
  const last = await node.find(stopped, isLast);
  assert.deepEqual([last.number, last.cause], [1, Cause.TIMEOUT]);
  assert.equal(last.reason, 'not restarted: an operator stopped it');
});

test('TaskHost restarts after a reboot what its policy says, and nothing else', async (t) => {
  const node = await TaskNode.make(t);
  const [kept, single] = [newTask(), newTask()];
  const path = join(node.directory, 'journal');
  const journal = await Journal.open({ path, clock: systemClock, log: silentLog });
  for (const order of [sh(kept, 'exit 0', restart(ON_FAILURE)), sh(single, 'exit 0')]) {
    const running = { number: 1, state: RUNNING, pid: 12 } as Attempt;
    await journal.accept(order, 'another-boot', { ...running, state: TaskState.STARTING, pid: 0 });
    await journal.report(order.taskId, running);
  }
  await journal[Symbol.asyncDispose]();
  const host = await node.open();
  const ended = await allEnded(node, kept);
  assert.deepEqual(ended.map(words), ['unknown: reboot', 'exit 0']);
  assert.deepEqual([ended[0]?.cause, ended[1]?.cause], [Cause.REBOOT, Cause.ITSELF]);
  const lost = await node.find(single, isLast);
  assert.deepEqual([words(lost), lost.number], ['unknown: reboot', 1]);
  host.start(sh(kept, 'exit 0'));
  host.start(sh(single, 'exit 0'));
  assert.equal((await node.find(kept, isLast)).number, 2);
});

test('TaskHost waits with a restart until its journal can be written', async (t) => {
  const node = await TaskNode.make(t);
  const host = await node.open();
  const task = newTask();
  host.start(sh(task, 'exec sleep 1000', restart(ALWAYS, 1)));
  await node.until(task, RUNNING);
  t.after(() => armFailpoints(undefined));
  // The end of the first attempt reaches the disk; the second does not at its first try.
  armFailpoints(parseFailpoints('agent.journal-write=error:EIO@2-3,agent.journal-replace=error:EIO@1'));
  await host.signal(task, 'SIGKILL', SignalScope.LEADER);
  const { restartAt } = await node.until(task, ENDED, 1);
  const { startedAt } = await node.until(task, RUNNING, 2);
  assert.ok(restartAt && startedAt && timestampMs(startedAt) > timestampMs(restartAt));
  await host.stop(task, 1_000, Cause.OPERATOR);
  await node.find(task, isLast);
});

test('TaskHost.open() ends a task whose order was lost while it waited', async (t) => {
  const node = await TaskNode.make(t);
  const host = await node.open();
  const task = newTask();
  host.start(sh(task, 'echo MARK', later));
  await node.until(task, ENDED);
  await node.close();
  const path = join(node.directory, 'journal');
  const bytes = await readFile(path);
  bytes.writeUInt8(0, bytes.indexOf('MARK'));
  await writeFile(path, bytes);
  await node.open();
  const { reason, restartCalledOff } = await node.find(task, isLast);
  assert.deepEqual([reason, restartCalledOff], ['not restarted: its agent has lost the order', Cause.ITSELF]);
});
