import assert from 'node:assert/strict';
import { it } from 'node:test';
import { create } from '@bufbuild/protobuf';
import { timestampFromMs } from '@bufbuild/protobuf/wkt';
import { Code, type ConnectError } from '@connectrpc/connect';
import { NodeRefusedError } from '#controller/dispatch/dispatch.ts';
import { RunService, TaskService } from '#protocol/gen/drover/v1/api_pb.ts';
import { NodeState } from '#protocol/gen/drover/v1/node_pb.ts';
import {
  Cause,
  type LogChunk,
  LogChunkSchema,
  SignalScope,
  type Task,
  TaskState,
} from '#protocol/gen/drover/v1/task_pb.ts';
import { limits } from '#protocol/limits.ts';
import { ApiFixture, ended, running } from './testing/api-fixture.ts';
import { collect } from './testing/collect.ts';

const runA = '01979c5e-7d0c-7000-8000-00000000000a';
const runB = '01979c5f-7d0c-7000-8000-00000000000b';

/** Two nodes; run A on both, with pids 100 and 200; run B on web1, ended. */
async function start(): Promise<ApiFixture & { readonly tasks: Record<'a1' | 'a2' | 'b1', Task> }> {
  const api = await ApiFixture.start();
  await api.addNodes('web1', 'web2', 'web3');
  const launch = async (id: string, nodes: string) =>
    (await api.client(RunService).createRun({ id, nodes, spec: { argv: ['sleep', '9'] } })).tasks.map(
      (task) => task.id,
    );
  const [a1 = '', a2 = ''] = await launch(runA, 'web[1-2]');
  const [b1 = ''] = await launch(runB, 'web1');
  const tasks = {
    a1: await api.changeTask(a1, running(100)),
    a2: await api.changeTask(a2, running(200)),
    b1: await api.changeTask(b1, ended(0)),
  };
  api.parts.dispatch.orders.length = 0;
  return Object.assign(api, { tasks });
}

it('TaskQuery.refs takes ids, beginnings, runs, NODE:PID and PIDs', async () => {
  await using api = await start();
  const { a1, a2, b1 } = api.tasks;
  const client = api.client(TaskService);
  const cases: readonly (readonly [object, readonly Task[]])[] = [
    [{}, [a1, a2, b1]],
    [{ refs: [a1.id] }, [a1]],
    [{ refs: [a1.id.slice(0, 9), b1.id] }, [a1, b1]],
    [{ refs: [runA] }, [a1, a2]],
    [{ refs: ['01979c5f'] }, [b1]],
    [{ refs: ['01979c5e', a1.id] }, [a1, a2]],
    [{ refs: ['web2:200'] }, [a2]],
    [{ refs: ['100'] }, [a1]],
    [{ runId: runA, nodes: 'web2' }, [a2]],
    [{ runId: '01979c5e' }, [a1, a2]],
    [{ runId: runA, refs: [runB] }, []],
    [{ nodes: '@name=web1' }, [a1, b1]],
    [{ selector: 'name=web1' }, [a1, b1]],
    [{ nodes: 'web*', selector: 'name!=web1' }, [a2]],
    [{ states: [TaskState.ENDED] }, [b1]],
    [{ nodes: 'web3' }, []],
  ];
  for (const [query, expected] of cases) {
    const { tasks } = await client.listTasks({ query });
    assert.deepEqual(
      tasks.map((task) => task.id).sort(),
      expected.map((task) => task.id).sort(),
      JSON.stringify(query),
    );
  }
});

it('TaskQuery.refs refuses what fits nothing or several, with the candidates', async () => {
  await using api = await start();
  const { a1, a2 } = api.tasks;
  const client = api.client(TaskService);
  await api.changeTask(a2.id, running(100));
  const several = (error: ConnectError) => {
    assert.equal(error.code, Code.InvalidArgument);
    assert.match(error.rawMessage, /^"100" fits several: /);
    for (const candidate of [`web1:100 (${a1.id}, running)`, `web2:100 (${a2.id}, running)`]) {
      assert.ok(error.rawMessage.includes(candidate), candidate);
    }
    return true;
  };
  await assert.rejects(client.listTasks({ query: { refs: ['100'] } }), several);
  assert.equal((await client.listTasks({ query: { refs: ['100'], nodes: 'web2' } })).tasks[0]?.id, a2.id);
  await assert.rejects(client.listTasks({ query: { refs: ['01979c5'] } }), /fits several: 01979c5e-/);
  for (const ref of ['4711', 'web1:4711', 'zzzzzzzzzz', '0197ffff', '019', '../x', '']) {
    const call = client.listTasks({ query: { refs: [ref] } });
    await assert.rejects(call, { code: Code.NotFound, rawMessage: `no such task: ${JSON.stringify(ref)}` });
  }
  const elsewhere = client.listTasks({ query: { refs: ['web9:100'] } });
  await assert.rejects(elsewhere, { code: Code.NotFound, rawMessage: 'no such node: web9' });
});

it('getTask() gives the one task that a reference means', async () => {
  await using api = await start();
  const client = api.client(TaskService);
  assert.equal((await client.getTask({ ref: 'web2:200' })).id, api.tasks.a2.id);
  assert.equal((await client.getTask({ ref: runB })).id, api.tasks.b1.id, 'a run of one task');
  await assert.rejects(client.getTask({ ref: runA }), /fits several: web1:100 .*web2:200/);
});

it('signalTasks() says for each task what became of it, and audits before it sends', async () => {
  await using api = await start();
  const { a1, a2, b1 } = api.tasks;
  api.parts.dispatch.changeNode('web2', { state: NodeState.DISCONNECTED, seenAtMs: undefined });
  const query = { refs: [runA, b1.id] };
  const { results } = await api
    .client(TaskService)
    .signalTasks({ query, signal: 'usr1', scope: SignalScope.TREE });
  const shown = results.map(({ taskId, node, error, pid }) => [taskId, node, error, pid]);
  assert.deepEqual(
    shown.sort(),
    [
      [a1.id, 'web1', '', 100],
      [b1.id, 'web1', 'the task has ended', 0],
      [a2.id, 'web2', 'it is not connected', 0],
    ].sort(),
  );
  const order = { kind: 'signal', task: a1.id, signal: 'SIGUSR1', scope: SignalScope.TREE };
  assert.deepEqual(api.parts.dispatch.orders, [order]);
  const audit = (await api.parts.store.read.listAudit(0, 10)).at(-1);
  assert.equal(audit?.verb, 'task.signal');
  assert.equal(audit?.request, '{"method":"SignalTasks","scope":"tree","signal":"SIGUSR1"}');
});

it('signalTasks() refuses unknown signals and scopes, and to signal nobody in particular', async () => {
  await using api = await start();
  const client = api.client(TaskService);
  const query = { refs: [runA] };
  await assert.rejects(client.signalTasks({ query, signal: 'NOPE' }), /there is no signal "NOPE"/);
  await assert.rejects(
    client.signalTasks({ query, signal: 'TERM', scope: 9 as SignalScope }),
    /there is no signal scope 9/,
  );
  await assert.rejects(client.signalTasks({ signal: 'TERM' }), /no tasks and no run are named/);
  await assert.rejects(
    client.signalTasks({ query: { nodes: '@all' }, signal: 'TERM' }),
    /no tasks and no run/,
  );
  assert.deepEqual(api.parts.dispatch.orders, []);
});

it('stopTasks() leaves ended tasks out unless they were named', async () => {
  await using api = await start();
  const { a1, b1 } = api.tasks;
  const client = api.client(TaskService);
  const byNode = await client.stopTasks({ query: { nodes: 'web1' }, graceMs: 500n });
  assert.deepEqual(
    byNode.results.map(({ taskId, error, pid }) => [taskId, error, pid]),
    [[a1.id, '', 100]],
  );
  const named = await client.stopTasks({ query: { refs: [b1.id] }, shutdown: true });
  assert.deepEqual(
    named.results.map(({ taskId, error }) => [taskId, error]),
    [[b1.id, 'the task has ended']],
  );
  assert.deepEqual(api.parts.dispatch.orders, [
    { kind: 'stop', task: a1.id, graceMs: 500, cause: Cause.OPERATOR },
  ]);
  await assert.rejects(client.stopTasks({}), /no tasks are named to stop/);
});

it('readLogs() merges the logs of several tasks and says at the end what could not be read', async () => {
  await using api = await start();
  const { a1, a2, b1 } = api.tasks;
  const { logs } = api.parts.dispatch;
  logs.set(a1.id, () => chunks(a1, 'one', 'two'));
  logs.set(a2.id, () => refusing('it is not connected'));
  logs.set(b1.id, () => chunks(b1, 'three'));
  const read: string[] = [];
  const call = async () => {
    const query = { refs: [runA, runB] };
    for await (const chunk of api.client(TaskService).readLogs({ query, tailLines: 7 }))
      read.push(text(chunk));
  };
  await assert.rejects(call(), {
    code: Code.FailedPrecondition,
    rawMessage: 'cannot read output: web2: it is not connected',
  });
  assert.deepEqual(read.sort(), [`${a1.id} one`, `${a1.id} two`, `${b1.id} three`].sort());
  const [first] = api.parts.dispatch.logRequests;
  assert.deepEqual([first?.request.attempt, first?.request.tailLines, first?.request.follow], [1, 7, false]);
});

it('readLogs() orders the logs of several tasks by time, and refuses what it cannot order', async () => {
  await using api = await start();
  const { a1, b1 } = api.tasks;
  const { logs, logRequests } = api.parts.dispatch;
  logs.set(a1.id, () => timed(a1, [10, 'one'], [30, 'three']));
  logs.set(b1.id, () => timed(b1, [20, 'two'], [40, 'four']));
  const client = api.client(TaskService);
  const query = { refs: [a1.id, b1.id] };
  const read = await collect(client.readLogs({ query, inTimeOrder: true }));
  const words = read.map((chunk) => (chunk.caughtUp ? 'caught up' : text(chunk).split(' ')[1]));
  assert.deepEqual(words.slice(0, 4), ['one', 'two', 'three', 'four']);
  assert.deepEqual(words.slice(4), ['caught up', 'caught up']);
  assert.deepEqual(
    logRequests.map(({ request }) => request.times),
    [true, true],
  );
  const both = client.readLogs({ query, attempt: 1, fromAttempt: 1 });
  await assert.rejects(collect(both), {
    rawMessage: 'cannot read attempt 1 only and all from 1 on: one of them',
  });
  const count = limits.logMergeTasksMax + 1;
  await api.addNodes(...Array.from({ length: count }, (_, i) => `many${i + 1}`));
  const id = runA.replace(/a$/, 'c');
  await api.client(RunService).createRun({ id, nodes: `many[1-${count}]`, spec: { argv: ['x'] } });
  await assert.rejects(collect(client.readLogs({ query: { runId: id }, inTimeOrder: true })), {
    code: Code.ResourceExhausted,
    rawMessage: 'cannot order the output of 257 tasks by time: 256 at the most',
  });
});

it('readLogs() with follow waits for a task that has not started, and ends with one that never does', async () => {
  await using api = await start();
  const { createRun } = api.client(RunService);
  const { run, tasks } = await createRun({
    id: runA.replace(/a$/, 'c'),
    nodes: 'web[1-2]',
    spec: { argv: ['x'] },
  });
  const [first, second] = tasks;
  assert.ok(first && second && run);
  api.parts.dispatch.logs.set(first.id, () => chunks(first, 'late'));
  const listening = api.parts.dispatch.listeners;
  const reading = collect(api.client(TaskService).readLogs({ query: { runId: run.id }, follow: true }));
  await until(() => api.parts.dispatch.listeners === listening + 2);
  await api.changeTask(first.id, running(300));
  await api.changeTask(second.id, { state: TaskState.ENDED });
  await api.changeTask(first.id, { state: TaskState.ENDED });
  assert.deepEqual((await reading).map(text), [`${first.id} late`]);
  assert.equal(api.parts.dispatch.listeners, listening);
});

it('a stream is cut 5 s after its operator lost the right to it', async () => {
  await using api = await start();
  const { authenticator, clock, dispatch } = api.parts;
  const stream = api
    .client(TaskService)
    .followTasks({ query: { runId: runA } })
    [Symbol.asyncIterator]();
  for (let shown = 0; shown < 3; shown++) await stream.next();
  await clock.advance(5_000);
  Object.assign(authenticator, { authenticate: async () => undefined });
  const cut = assert.rejects(stream.next(), { code: Code.Unauthenticated });
  await until(async () => {
    await clock.advance(5_000);
    return dispatch.listeners === 0;
  });
  await cut;
});

async function* chunks(task: Task, ...texts: string[]): AsyncGenerator<LogChunk> {
  for (const data of texts) {
    yield create(LogChunkSchema, { taskId: task.id, node: task.node, data: new TextEncoder().encode(data) });
  }
}

async function* timed(task: Task, ...lines: [number, string][]): AsyncGenerator<LogChunk> {
  for (const [timeMs, line] of lines) {
    const data = new TextEncoder().encode(line);
    const writtenAt = timestampFromMs(timeMs);
    yield create(LogChunkSchema, { taskId: task.id, node: task.node, data, writtenAt });
  }
  yield create(LogChunkSchema, { taskId: task.id, node: task.node, caughtUp: true });
}

// biome-ignore lint/correctness/useYield: it refuses before the first chunk
async function* refusing(message: string): AsyncGenerator<LogChunk> {
  throw new NodeRefusedError(message);
}

function text(chunk: LogChunk): string {
  return `${chunk.taskId} ${new TextDecoder().decode(chunk.data)}`;
}

/** Waits until `condition` holds, looking again after each turn of the loop; the test's own time limit ends it. */
async function until(condition: () => boolean | Promise<boolean>): Promise<void> {
  while (!(await condition())) await new Promise((resolve) => setImmediate(resolve));
}
