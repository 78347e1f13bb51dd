/** Restarts, limits and leftovers through a real cluster: what the API says of a task with several attempts. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import type { MessageInitShape } from '@bufbuild/protobuf';
import { v7 } from 'uuid';
import {
  Cause,
  LeftoverPolicy,
  LogSource,
  RestartMode,
  SignalScope,
  type Task,
  type TaskSpecSchema,
  TaskState,
} from '#protocol/gen/drover/v1/task_pb.ts';
import { limits } from '#protocol/limits.ts';
import { TestCluster } from '#test/fixture/cluster.ts';
import { until } from '#test/fixture/until.ts';

let cluster: TestCluster;

before(async () => {
  cluster = await TestCluster.start(1);
});

after(() => cluster?.[Symbol.asyncDispose]());

type SpecInit = Omit<MessageInitShape<typeof TaskSpecSchema>, '$typeName' | 'argv'>;

async function launch(script: string, more: SpecInit): Promise<{ id: string; runId: string }> {
  const spec = { argv: ['sh', '-c', script], ...more };
  const { run, tasks } = await cluster.connection.runs.createRun({ id: v7(), nodes: 'node1', spec });
  assert.ok(run && tasks[0]);
  return { id: tasks[0].id, runId: run.id };
}

async function find(id: string, what: string, isSo: (task: Task) => boolean): Promise<Task> {
  let task = await cluster.connection.tasks.getTask({ ref: id });
  await until(what, async () => {
    task = await cluster.connection.tasks.getTask({ ref: id });
    return isSo(task);
  });
  return task;
}

function ended(id: string): Promise<Task> {
  return find(id, 'the task has ended', ({ state }) => state === TaskState.ENDED);
}

function waits(id: string): Promise<Task> {
  return find(id, 'the task waits', ({ state }) => state === TaskState.WAITING);
}

/** A pause that no test waits for. */
const later: SpecInit = {
  restart: { mode: RestartMode.ALWAYS, backoffMs: 3_600_000n, backoffMaxMs: 3_600_000n },
};

test('a task that fails is restarted by its node, and keeps its attempts with their usage and output', async () => {
  const restart = { mode: RestartMode.ON_FAILURE, max: 2, backoffMs: 10n };
  const { id, runId } = await launch('echo attempt $DROVER_ATTEMPT; exit 3', { restart });
  const task = await ended(id);
  assert.equal(task.reason, 'not restarted: its 2 restarts were used');
  assert.deepEqual(
    task.attempts.map(({ number, usage }) => [number, (usage?.maxRssBytes ?? 0n) > 0n]),
    [
      [1, true],
      [2, true],
      [3, true],
    ],
  );
  const { counts } = await cluster.connection.runs.getRun({ id: runId });
  assert.deepEqual([counts?.total, counts?.active, counts?.failed], [1, 0, 1]);
  for (const number of [1, 3]) {
    let text = '';
    const request = { query: { refs: [id] }, source: LogSource.STDOUT, attempt: number };
    for await (const chunk of cluster.connection.tasks.readLogs(request))
      text += Buffer.from(chunk.data).toString();
    assert.equal(text, `attempt ${number}\n`);
  }
});

test('a task waits between two attempts, over a restart of its agent and of the controller, until it is stopped', async () => {
  const { id, runId } = await launch('exit 3', later);
  const waiting = await waits(id);
  assert.match(waiting.reason, /^exit 3; attempt 2 in \d+(\.\d)? s$/);
  assert.equal(waiting.outcome, undefined);
  await cluster.stopNode('node1');
  await cluster.restartController();
  await cluster.startNode('node1');
  assert.equal((await waits(id)).reason, waiting.reason);
  const { results: signaled } = await cluster.connection.tasks.signalTasks({
    query: { refs: [id] },
    signal: 'SIGHUP',
    scope: SignalScope.LEADER,
  });
  assert.match(signaled[0]?.error ?? '', /it waits for attempt 2$/);
  const { results: stopped } = await cluster.connection.tasks.stopTasks({ query: { refs: [id] } });
  assert.equal(stopped[0]?.error, '');
  const task = await ended(id);
  assert.deepEqual([task.cause, task.reason], [Cause.OPERATOR, 'not restarted: an operator stopped it']);
  assert.equal(task.outcome?.kind.case === 'exited' && task.outcome.kind.value.code, 3);
  const { counts, endedAt } = await cluster.connection.runs.getRun({ id: runId });
  assert.ok(counts?.failed === 1 && endedAt);
});

test('a task is restarted over a restart of its controller, which hears of the latest attempts', async () => {
  const restart = { mode: RestartMode.ALWAYS, backoffMs: 1n, backoffMaxMs: 1n };
  const { id } = await launch('sleep 0.01', { restart });
  await find(id, 'it was restarted', ({ attempts }) => attempts.length > 2);
  const before = await cluster.connection.tasks.getTask({ ref: id });
  await cluster.restartController();
  const most = limits.taskAttemptsMax;
  const { attempts } = await find(id, 'it has many attempts', (task) => task.attempts.length === most);
  const numbers = attempts.map(({ number }) => number);
  assert.equal(numbers[0], 1);
  assert.ok((numbers.at(-1) ?? 0) > (before.attempts.at(-1)?.number ?? 0));
  assert.deepEqual(
    numbers,
    numbers.toSorted((a, b) => a - b),
  );
  await cluster.connection.tasks.stopTasks({ query: { refs: [id] } });
  assert.equal((await ended(id)).cause, Cause.OPERATOR);
});

test('a crash loop ends with the reason', async () => {
  const restart = { mode: RestartMode.ON_FAILURE, backoffMs: 1n, backoffMaxMs: 1n };
  const { id } = await launch('exit 1', { restart });
  const task = await ended(id);
  assert.equal(task.reason, 'not restarted: crash loop, 10 attempts in a row failed within 10 s each');
  assert.equal(task.attempts.length, 10);
});

test('leftovers stay where that was asked for, and are listed', async () => {
  const { id } = await launch('setsid sleep 1000 & exit 0', { leftovers: LeftoverPolicy.KEEP });
  const task = await ended(id);
  assert.equal(task.reason, 'one of its processes was left running');
  const [leftover] = task.attempts[0]?.leftovers ?? [];
  assert.ok(leftover);
  process.kill(leftover.pid, 'SIGKILL');
});

test('a memory limit ends what exceeds it, or the node says why it cannot hold one', async () => {
  // Grows until it is killed: a shell that keeps what it reads.
  const { id } = await launch('a=x; while :; do a=$a$a; done', { limits: { memoryBytes: 64n << 20n } });
  const { cause, reason, outcome } = await ended(id);
  if (outcome?.kind.case === 'notStarted') {
    assert.match(outcome.kind.value.reason, /^limit of 64 MiB of memory: no (writable )?cgroup /);
    return;
  }
  assert.deepEqual(
    [cause, reason],
    [Cause.LIMIT, 'for want of memory the kernel killed one of its processes'],
  );
});
