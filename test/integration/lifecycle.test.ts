/** A task's whole way through a real cluster: what the API says at each step is what happened. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { v7 } from 'uuid';
import { endingOf } from '#core/outcome.ts';
import type { FollowTasksResponse } from '#protocol/gen/drover/v1/api_pb.ts';
import { Cause, LogSource, SignalScope, type Task, TaskState } from '#protocol/gen/drover/v1/task_pb.ts';
import { TestCluster } from '#test/fixture/cluster.ts';
import { until } from '#test/fixture/until.ts';

let cluster: TestCluster;

before(async () => {
  cluster = await TestCluster.start(3);
});

after(() => cluster?.[Symbol.asyncDispose]());

async function launch(nodes: string, ...argv: string[]): Promise<{ runId: string; tasks: Task[] }> {
  const { run, tasks } = await cluster.connection.runs.createRun({ id: v7(), nodes, spec: { argv } });
  assert.ok(run);
  return { runId: run.id, tasks };
}

async function follow(runId: string): Promise<{ news: FollowTasksResponse[]; ended: Task[]; text: string }> {
  const news: FollowTasksResponse[] = [];
  const ended: Task[] = [];
  let text = '';
  for await (const one of cluster.connection.tasks.followTasks({ query: { runId }, output: true })) {
    news.push(one);
    if (one.kind.case === 'log') text += Buffer.from(one.kind.value.data).toString();
    if (one.kind.case === 'task' && one.kind.value.state === TaskState.ENDED) ended.push(one.kind.value);
  }
  return { news, ended, text };
}

async function running(task: Task | undefined): Promise<Task> {
  assert.ok(task);
  let now = task;
  await until('the task runs', async () => {
    now = await cluster.connection.tasks.getTask({ ref: task.id });
    return now.state === TaskState.RUNNING;
  });
  return now;
}

test('a run ends with exact outcomes, usage and sizes', async () => {
  const { runId } = await launch('@all', 'sh', '-c', 'printf 12345; printf 123 >&2; exit 4');
  const { ended } = await follow(runId);
  assert.equal(ended.length, 3);
  for (const task of ended) {
    const attempt = task.attempts[0];
    assert.ok(attempt);
    assert.equal(task.outcome?.kind.case === 'exited' && task.outcome.kind.value.code, 4);
    assert.equal(task.cause, Cause.ITSELF);
    assert.equal(attempt.stdoutBytes, 5n);
    assert.equal(attempt.stderrBytes, 3n);
    assert.ok(attempt.usage && attempt.usage.maxRssBytes > 0n);
    assert.ok(attempt.pid > 0);
  }
  const run = await cluster.connection.runs.getRun({ id: runId });
  assert.equal(run.counts?.failed, 3);
  assert.ok(run.endedAt);
});

test('output of several megabytes arrives whole, and before the end', async () => {
  const { runId } = await launch('node1', 'sh', '-c', 'seq 1 400000');
  const { news, text } = await follow(runId);
  const expected = Array.from({ length: 400_000 }, (_, i) => `${i + 1}\n`).join('');
  assert.equal(text.length, expected.length);
  assert.ok(text === expected, 'every byte');
  const last = news.at(-1)?.kind;
  assert.ok(last?.case === 'task' && last.value.state === TaskState.ENDED);
});

test('a signal reaches the leader, and its end says who brought it about', async () => {
  const { runId, tasks } = await launch('node2', 'sleep', '600');
  const task = await running(tasks[0]);
  const { results } = await cluster.connection.tasks.signalTasks({
    query: { refs: [`node2:${task.attempts[0]?.pid}`] },
    signal: 'SIGUSR1',
    scope: SignalScope.LEADER,
  });
  assert.deepEqual(
    results.map(({ taskId, error }) => [taskId, error]),
    [[task.id, '']],
  );
  const { ended } = await follow(runId);
  assert.equal(ended[0]?.outcome?.kind.case === 'signaled' && ended[0].outcome.kind.value.signal, 'SIGUSR1');
  assert.equal(ended[0]?.cause, Cause.OPERATOR);
});

test('a stop ends everything that the task forked, however it hid', async () => {
  const { runId, tasks } = await launch(
    'node3',
    'sh',
    '-c',
    'trap "" TERM; setsid sleep 600 & sleep 600 & wait',
  );
  const task = await running(tasks[0]);
  await cluster.connection.tasks.stopTasks({ query: { refs: [task.id] }, graceMs: 200n });
  const { ended } = await follow(runId);
  assert.equal(ended.length, 1);
  assert.ok(ended[0]?.outcome && endingOf(ended[0].outcome) === 'failed');
  assert.equal(ended[0]?.cause, Cause.OPERATOR);
});

test('a time limit stops a task, and is its cause', async () => {
  const id = v7();
  const spec = { argv: ['sleep', '600'], timeoutMs: 100n };
  await cluster.connection.runs.createRun({ id, nodes: 'node1', spec });
  const { ended } = await follow(id);
  assert.equal(ended[0]?.cause, Cause.TIMEOUT);
});

test('the same run id again is the same run', async () => {
  const request = { id: v7(), nodes: 'node1', spec: { argv: ['true'] } };
  const first = await cluster.connection.runs.createRun(request);
  const second = await cluster.connection.runs.createRun(request);
  assert.deepEqual(
    second.tasks.map(({ id }) => id),
    first.tasks.map(({ id }) => id),
  );
});

test('a log is read again from any offset, and from its last lines', async () => {
  const { runId, tasks } = await launch('node1', 'sh', '-c', 'for i in 1 2 3 4 5; do echo line$i; done');
  await follow(runId);
  const read = async (more: object) => {
    let text = '';
    const request = { query: { refs: [tasks[0]?.id ?? ''] }, source: LogSource.STDOUT, ...more };
    for await (const chunk of cluster.connection.tasks.readLogs(request))
      text += Buffer.from(chunk.data).toString();
    return text;
  };
  assert.equal(await read({ stdoutOffset: 18n }), 'line4\nline5\n');
  assert.equal(await read({ tailLines: 2 }), 'line4\nline5\n');
  assert.equal(await read({ stdoutOffset: 1000n }), '');
});

test('instant exits in number: every code is kept, each exactly once', async () => {
  const runs = await Promise.all(
    Array.from({ length: 60 }, (_, i) =>
      launch('@all', 'sh', '-c', `exit ${i}`).then(({ runId }) => ({ runId, i })),
    ),
  );
  for (const { runId, i } of runs) {
    const { ended } = await follow(runId);
    const codes = ended.map(({ outcome }) => outcome?.kind.case === 'exited' && outcome.kind.value.code);
    assert.deepEqual(codes, [i, i, i]);
  }
});

test('a controller that comes back shows what happened while it was away', async () => {
  const { tasks } = await launch('@all', 'sh', '-c', 'sleep 0.3; exit 5');
  await running(tasks[0]);
  await cluster.restartController();
  for (const { id } of tasks) {
    await until('it is known to have ended', async () => {
      const { outcome } = await cluster.connection.tasks.getTask({ ref: id });
      return outcome?.kind.case === 'exited' && outcome.kind.value.code === 5;
    });
  }
});

test('an agent that was away tells what its tasks did meanwhile', async () => {
  const { tasks } = await launch('node2', 'sh', '-c', 'sleep 0.3; echo late; exit 6');
  const task = await running(tasks[0]);
  await cluster.stopNode('node2');
  await cluster.startNode('node2');
  await until('it is known to have ended', async () => {
    const { outcome } = await cluster.connection.tasks.getTask({ ref: task.id });
    return outcome?.kind.case === 'exited' && outcome.kind.value.code === 6;
  });
});
