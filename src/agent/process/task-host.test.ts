import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { create } from '@bufbuild/protobuf';
import { timestampFromMs } from '@bufbuild/protobuf/wkt';
import { RefusedOrderError } from '#agent/workload.ts';
import { systemClock } from '#base/clock.ts';
import { StartSchema } from '#protocol/gen/drover/v1/link_pb.ts';
import { Cause, LogSource, SignalScope, TaskState } from '#protocol/gen/drover/v1/task_pb.ts';
import {
  decideLaunch,
  newTask,
  output,
  sh,
  silentLog,
  start,
  TaskNode,
  untilOutput,
  words,
} from '#test/fixture/task-node.ts';
import { until } from '#test/fixture/until.ts';
import { TaskHost } from './task-host.ts';

test('TaskHost.start() runs a command and tells each step of it', async (t) => {
  const node = await TaskNode.make(t);
  const host = await node.open();
  const task = newTask();
  host.start(sh(task, 'echo out; echo err >&2; pwd; exit 7'));
  const ended = await node.until(task, TaskState.ENDED);
  assert.deepEqual(
    node.ofTask(task).map((attempt) => attempt.state),
    [TaskState.STARTING, TaskState.RUNNING, TaskState.ENDED],
  );
  assert.equal(words(ended), 'exit 7');
  assert.equal(ended.cause, Cause.ITSELF);
  assert.equal(ended.binary, '/bin/sh');
  assert.ok(ended.pid > 1 && ended.startedAt && ended.endedAt && (ended.usage?.maxRssBytes ?? 0n) > 0n);
  const stdout = `out\n${join(node.directory, 'workspace')}\n`;
  assert.equal(await output(host, task, LogSource.STDOUT), stdout);
  assert.equal(await output(host, task, LogSource.STDERR), 'err\n');
  assert.deepEqual([ended.stdoutBytes, ended.stderrBytes], [BigInt(stdout.length), 4n]);
  // The supervisor's children are its monitors: it counts one when that has gone.
  await until('it is counted', async () => (await host.usage()).maxRssBytes > 0n);
});

test('TaskHost.start() of the same attempt again starts nothing and tells the latest event again', async (t) => {
  const node = await TaskNode.make(t);
  const host = await node.open();
  const task = newTask();
  const order = sh(task, 'echo once >> "$FILE"');
  host.start(order);
  host.start(order);
  await node.until(task, TaskState.ENDED);
  const before = node.ofTask(task).length;
  host.start(order);
  assert.equal(node.ofTask(task).length, before + 1);
  assert.equal(node.ofTask(task).at(-1)?.state, TaskState.ENDED);
  host.acknowledge(host.held().lastEvent);
  host.start(order);
  assert.equal(node.ofTask(task).length, before + 1);
});

test('TaskHost.start() says why nothing was started', async (t) => {
  const node = await TaskNode.make(t);
  const host = await node.open();
  const cases = [
    { argv: ['frobnicate'], step: 'command', errno: 2, reason: 'command frobnicate: not found on PATH' },
    { argv: ['/nope'], step: 'execve', errno: 2, reason: 'execve /nope: no such file or directory' },
    { argv: ['/etc/passwd'], step: 'execve', errno: 13, reason: 'execve /etc/passwd: permission denied' },
    {
      argv: ['/bin/true'],
      spec: { cwd: '/nope' },
      step: 'chdir',
      errno: 2,
      reason: 'chdir /nope: no such file or directory',
    },
  ];
  for (const { argv, spec, step, errno, reason } of cases) {
    const task = newTask();
    host.start(start(task, argv, spec));
    const { outcome, pid } = await node.until(task, TaskState.ENDED);
    assert.equal(pid, 0);
    assert.equal(outcome?.kind.case, 'notStarted');
    if (outcome?.kind.case !== 'notStarted') continue;
    const { value } = outcome.kind;
    assert.deepEqual({ step: value.step, errno: value.errno, reason: value.reason }, { step, errno, reason });
  }
  const late = newTask();
  host.start(create(StartSchema, { ...sh(late, 'true'), notAfter: timestampFromMs(1) }));
  assert.equal(words(await node.until(late, TaskState.ENDED)), 'not started: the order came too late');
});

test('TaskHost.stop() gives the grace, then SIGKILL, to all of it', async (t) => {
  const node = await TaskNode.make(t);
  const host = await node.open();
  const gentle = newTask();
  host.start(sh(gentle, 'trap "exit 3" TERM; echo on; while :; do sleep 0.01; done'));
  const stubborn = newTask();
  host.start(
    sh(
      stubborn,
      'trap "" TERM; setsid sh -c "trap \\"\\" TERM; sleep 100" & echo on; while :; do sleep 1; done',
    ),
  );
  await untilOutput(host, gentle, 'on\n');
  await host.stop(gentle, 10_000, Cause.OPERATOR);
  const first = await node.until(gentle, TaskState.ENDED);
  assert.deepEqual([words(first), first.cause], ['exit 3', Cause.OPERATOR]);

  await untilOutput(host, stubborn, 'on\n');
  await host.stop(stubborn, 10_000, Cause.OPERATOR);
  await host.stop(stubborn, 1, Cause.SHUTDOWN);
  const second = await node.until(stubborn, TaskState.ENDED);
  assert.deepEqual([words(second), second.cause], ['SIGKILL', Cause.OPERATOR]);
  await assert.rejects(host.stop(stubborn, 0, Cause.OPERATOR), RefusedOrderError);
});

test('TaskHost ends what outlives its leader, and lists it', async (t) => {
  const node = await TaskNode.make(t);
  const host = await node.open();
  const task = newTask();
  host.start(sh(task, 'setsid sleep 1000 & exit 0'));
  const stopping = await node.until(task, TaskState.STOPPING);
  assert.match(
    stopping.reason,
    /its leader has ended, 1 of its processes have not \(\w+ \d+\): SIGTERM sent/,
  );
  assert.equal(words(stopping), 'exit 0');
  const ended = await node.until(task, TaskState.ENDED);
  assert.deepEqual([words(ended), ended.cause, ended.leftovers.length], ['exit 0', Cause.ITSELF, 1]);
});

test('TaskHost.signal() reaches the task and is the cause of its end', async (t) => {
  const node = await TaskNode.make(t);
  const host = await node.open();
  const task = newTask();
  host.start(sh(task, 'exec sleep 1000'));
  const { pid } = await node.until(task, TaskState.RUNNING);
  await assert.rejects(host.signal(task, 'SIGNOPE', SignalScope.LEADER), /unknown signal SIGNOPE/);
  await assert.rejects(host.signal(task, 'SIGUSR2', SignalScope.LEADER), /policy does not allow/);
  assert.equal(await host.signal(task, 'SIGUSR1', SignalScope.LEADER), pid);
  const ended = await node.until(task, TaskState.ENDED);
  assert.deepEqual([words(ended), ended.cause], ['SIGUSR1', Cause.OPERATOR]);
  await assert.rejects(host.signal(task, 'SIGTERM', SignalScope.LEADER), RefusedOrderError);
  await assert.rejects(host.signal(newTask(), 'SIGTERM', SignalScope.LEADER), RefusedOrderError);
});

test('TaskHost ends a task at its time limit', async (t) => {
  const node = await TaskNode.make(t);
  const host = await node.open();
  const task = newTask();
  host.start(sh(task, 'exec sleep 1000', { timeoutMs: 50n }));
  const ended = await node.until(task, TaskState.ENDED);
  assert.deepEqual([words(ended), ended.cause], ['SIGTERM', Cause.TIMEOUT]);
});

test('TaskHost.readLog() follows a task to its end', async (t) => {
  const node = await TaskNode.make(t);
  const host = await node.open();
  const task = newTask();
  host.start(sh(task, 'for i in 1 2 3 4 5; do echo $i; sleep 0.03; done; sleep 0.3; echo last'));
  assert.equal(await output(host, task, LogSource.STDOUT, true), '1\n2\n3\n4\n5\nlast\n');
  await assert.rejects(output(host, 'taskzzzzzz', LogSource.STDOUT), RefusedOrderError);
});

test('TaskHost tells 500 instant exits, each started before it exited', async (t) => {
  const node = await TaskNode.make(t);
  const host = await node.open();
  const ids = Array.from({ length: 500 }, newTask);
  for (const [i, task] of ids.entries()) host.start(sh(task, `exit ${i % 256}`));
  for (const [i, task] of ids.entries()) {
    assert.equal(words(await node.until(task, TaskState.ENDED)), `exit ${i % 256}`);
    const states = node.ofTask(task).map((attempt) => attempt.state);
    assert.deepEqual(states, [TaskState.STARTING, TaskState.RUNNING, TaskState.ENDED]);
  }
  const sequences = node.events.map((event) => event.sequence);
  assert.deepEqual(
    sequences,
    sequences.toSorted((a, b) => Number(a - b)),
  );
  host.acknowledge(host.held().lastEvent);
});

test('TaskHost.open() works in a directory deeper than a socket path may be', async (t) => {
  const node = await TaskNode.make(t, `drover-${'long-'.repeat(25)}`);
  const host = await node.open();
  const task = newTask();
  host.start(sh(task, 'exit 2'));
  assert.equal(words(await node.until(task, TaskState.ENDED)), 'exit 2');
});

test('TaskHost.stop() before the start is a task that never ran', async (t) => {
  const node = await TaskNode.make(t);
  const gate = Promise.withResolvers<void>();
  const host = await node.open(async (order, workspace) => {
    await gate.promise;
    return decideLaunch(order, workspace);
  });
  const task = newTask();
  host.start(sh(task, 'exit 2'));
  await host.stop(task, 0, Cause.OPERATOR);
  gate.resolve();
  const ended = await node.until(task, TaskState.ENDED);
  assert.deepEqual(
    [words(ended), ended.cause],
    ['not started: stopped before it was started', Cause.OPERATOR],
  );
});

test('TaskHost.open() says why there is no supervisor', async (t) => {
  const directory = await mkdtemp(join(tmpdir(), 'drover-node-'));
  t.after(() => rm(directory, { recursive: true }));
  const options = { directory, clock: systemClock, log: silentLog, decideLaunch, random: () => 0 };
  const decideSignal = () => ({ allowed: true }) as const;
  await assert.rejects(
    TaskHost.open({ ...options, decideSignal, supervisorBinary: '/nope' }),
    /the supervisor \/nope cannot be run/,
  );
});
