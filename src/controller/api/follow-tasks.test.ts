import assert from 'node:assert/strict';
import { it } from 'node:test';
import { create } from '@bufbuild/protobuf';
import { NodeRefusedError } from '#controller/dispatch/dispatch.ts';
import { stateWord } from '#core/task-state.ts';
import { type FollowTasksResponse, RunService, TaskService } from '#protocol/gen/drover/v1/api_pb.ts';
import { NodeState } from '#protocol/gen/drover/v1/node_pb.ts';
import {
  type Attempt,
  Freshness,
  type LogChunk,
  LogChunkSchema,
  type Task,
  TaskState,
} from '#protocol/gen/drover/v1/task_pb.ts';
import { limits } from '#protocol/limits.ts';
import { followTasks } from './follow-tasks.ts';
import { logDelayMs } from './task-follower.ts';
import { ApiFixture, ended, running } from './testing/api-fixture.ts';
import { collect } from './testing/collect.ts';

const id = '01979c5e-7d0c-7000-8000-000000000001';
const never = new AbortController().signal;

it('followTasks() shows each task, its changes, and ends when all have ended', async () => {
  await using api = await start('web1', 'web2');
  const [a, b] = api.tasks;
  const follow = api
    .client(TaskService)
    .followTasks({ query: { runId: id } })
    [Symbol.asyncIterator]();
  assert.equal(await next(follow), '2 selected');
  assert.equal(await next(follow), 'web1 pending');
  assert.equal(await next(follow), 'web2 pending');
  await api.changeTask(a.id, running(1));
  assert.equal(await next(follow), 'web1 running');
  await api.changeTask(b.id, ended(3));
  assert.equal(await next(follow), 'web2 ended');
  await api.changeTask(a.id, ended(0));
  assert.equal(await next(follow), 'web1 ended');
  assert.equal(await next(follow), 'end');
  assert.equal(api.parts.dispatch.listeners, 0);
});

it('followTasks() loses no change that comes while the store is asked, and never shows a task going back', async () => {
  await using api = await start('web1', 'web2');
  const [a, b] = api.tasks;
  const { store, dispatch, clock } = api.parts;
  const selectTasks = async () => {
    const before = await store.read.selectTasks({ runIds: [id] });
    // After the picture was taken: must be shown. Before it and told late: must not.
    await api.changeTask(a.id, ended(0));
    await api.changeTask(b.id, ended(1));
    dispatch.changeTask({ ...b, ...running(7) });
    return before.map((task) => (task.id === b.id ? { ...task, ...ended(1) } : task));
  };
  const slow = { ...api.parts, store: { ...store, read: { selectTasks } }, clock, dispatch };
  const shown = (await collect(followTasks(slow as never, {}, 'none', never))).map(describe);
  assert.deepEqual(shown, ['2 selected', 'web1 pending', 'web2 ended', 'web1 ended']);
});

it('followTasks() opens no log for a task that ends at once and has printed nothing', async () => {
  await using api = await start('web1');
  const follow = api
    .client(TaskService)
    .followTasks({ query: { runId: id }, output: true })
    [Symbol.asyncIterator]();
  assert.equal(await next(follow), '1 selected');
  assert.equal(await next(follow), 'web1 pending');
  await api.changeTask(api.tasks[0].id, running(1));
  assert.equal(await next(follow), 'web1 running');
  await api.parts.clock.advance(logDelayMs - 1);
  await api.changeTask(api.tasks[0].id, ended(0));
  assert.equal(await next(follow), 'web1 ended');
  assert.equal(await next(follow), 'end');
  assert.deepEqual(api.parts.dispatch.logRequests, []);
});

it('followTasks() opens the log of a task that has been running for 50 ms', async () => {
  await using api = await start('web1');
  const [task] = api.tasks;
  const more = Promise.withResolvers<void>();
  api.parts.dispatch.logs.set(task.id, async function* () {
    yield chunk(task, 'early');
    await more.promise;
    yield chunk(task, 'late');
  });
  const follow = api
    .client(TaskService)
    .followTasks({ query: { runId: id }, output: true })
    [Symbol.asyncIterator]();
  assert.equal(await next(follow), '1 selected');
  assert.equal(await next(follow), 'web1 pending');
  await api.changeTask(task.id, running(1));
  assert.equal(await next(follow), 'web1 running');
  await api.parts.clock.advance(logDelayMs);
  assert.equal(await next(follow), 'web1: early');
  await api.changeTask(task.id, ended(0, 9n));
  more.resolve();
  assert.equal(await next(follow), 'web1: late', 'the end is held until its output was delivered');
  assert.equal(await next(follow), 'web1 ended');
  assert.equal(await next(follow), 'end');
  assert.equal(api.parts.dispatch.logRequests.length, 1);
});

it('followTasks() delivers the output of a task that has ended before its log was opened', async () => {
  await using api = await start('web1');
  const [task] = api.tasks;
  api.parts.dispatch.logs.set(task.id, () => chunks(task, 'a', 'b'));
  await api.changeTask(task.id, ended(0, 2n));
  const shown = (await collect(followTasks(api.parts, {}, 'latest', never))).map(describe);
  assert.deepEqual(shown, ['1 selected', 'web1: a', 'web1: b', 'web1 ended']);
});

it('followTasks() delivers every attempt in its turn, also those that were over at once', async () => {
  await using api = await start('web1');
  const [task] = api.tasks;
  const over = ended(1, 2n);
  const attempts = [1, 2].map((number) => ({ ...(over.attempts?.[0] as Attempt), number }));
  api.parts.dispatch.logs.set(task.id, () => chunks(task, 'x'));
  for (const [output, first] of [
    ['every', 1],
    ['latest', 2],
  ] as const) {
    api.parts.dispatch.logRequests.length = 0;
    await api.changeTask(task.id, { ...over, state: TaskState.WAITING, attempts });
    const follow = followTasks(api.parts, {}, output, never);
    for (const expected of [
      '1 selected',
      'web1 waiting',
      ...attempts.slice(first - 1).map(() => 'web1: x'),
    ]) {
      assert.equal(describe((await follow.next()).value as FollowTasksResponse), expected);
    }
    await follow.return();
    assert.deepEqual(
      api.parts.dispatch.logRequests.map(({ request }) => request.attempt),
      [1, 2].filter((number) => number >= first),
    );
  }
});

it('followTasks() says on the end what output is missing when the node refuses it', async () => {
  await using api = await start('web1');
  const [task] = api.tasks;
  api.parts.dispatch.logs.set(task.id, () => refusing('the log is gone'));
  await api.changeTask(task.id, ended(0, 2n));
  const [, end] = await collect(followTasks(api.parts, {}, 'latest', never));
  assert.equal(reasonOf(end), 'its output could not be delivered whole: the log is gone');
});

it('followTasks() tells that a node has become unreachable, once for each change of freshness', async () => {
  await using api = await start('web1', 'web2');
  const [a] = api.tasks;
  const { dispatch } = api.parts;
  const follow = followTasks(api.parts, {}, 'none', never);
  for (let shown = 0; shown < 3; shown++) await follow.next();
  const states = [NodeState.DISCONNECTED, NodeState.UNREACHABLE, NodeState.LOST, NodeState.CONNECTED];
  const seen: unknown[] = [];
  for (const state of states) {
    dispatch.changeNode('web1', { state, seenAtMs: 5_000 });
    if (state === NodeState.UNREACHABLE) continue;
    const response = (await follow.next()).value;
    assert.ok(response?.kind.case === 'task');
    seen.push([
      response.kind.value.id,
      response.kind.value.freshness,
      response.kind.value.nodeSeenAt?.seconds,
    ]);
  }
  assert.deepEqual(seen, [
    [a.id, Freshness.STALE, 5n],
    [a.id, Freshness.LOST, 5n],
    [a.id, Freshness.LIVE, 5n],
  ]);
  await follow.return();
  assert.equal(dispatch.listeners, 0);
});

it('followTasks() holds no end back for the output of a node that is unreachable', async () => {
  await using api = await start('web1');
  const [task] = api.tasks;
  const { dispatch } = api.parts;
  dispatch.logs.set(task.id, hanging);
  await api.changeTask(task.id, ended(0, 2n));
  const follow = followTasks(api.parts, {}, 'latest', never);
  assert.equal((await follow.next()).value?.kind.case, 'selected');
  const end = follow.next();
  await settle();
  dispatch.changeNode('web1', { state: NodeState.DISCONNECTED, seenAtMs: 1 });
  dispatch.changeNode('web1', { state: NodeState.UNREACHABLE, seenAtMs: 1 });
  assert.equal(
    reasonOf((await end).value ?? undefined),
    'its output could not be delivered whole: web1 is unreachable',
  );
  assert.equal((await follow.next()).done, true);
});

it('followTasks() pulls output no faster than its reader reads', async () => {
  await using api = await start('web1', 'web2', 'web3');
  const { dispatch } = api.parts;
  const size = limits.logChunkBytesMax;
  let produced = 0;
  for (const task of api.tasks) {
    dispatch.logs.set(task.id, async function* () {
      for (let i = 0; i < 100; i++) {
        produced += size;
        yield chunk(task, 'x'.repeat(size));
      }
    });
    await api.changeTask(task.id, ended(0, 1n));
  }
  const follow = followTasks(api.parts, {}, 'latest', never);
  assert.equal((await follow.next()).value?.kind.case, 'selected');
  await follow.next();
  await settle();
  assert.ok(
    produced <= limits.followBufferBytesMax + 5 * size,
    `${produced} bytes were pulled for one that was read`,
  );
  const rest = await collect(follow);
  assert.equal(rest.length, 299 + 3);
  assert.equal(produced, 300 * size);
});

it('followTasks() leaves nothing behind when its reader goes', async () => {
  await using api = await start('web1');
  const [task] = api.tasks;
  const { dispatch } = api.parts;
  const closed = Promise.withResolvers<void>();
  dispatch.logs.set(task.id, async function* (abort) {
    try {
      yield chunk(task, 'x');
      yield* hanging(abort);
    } finally {
      closed.resolve();
    }
  });
  await api.changeTask(task.id, running(1));
  const abort = new AbortController();
  const call = api
    .client(TaskService)
    .followTasks({ query: { runId: id }, output: true }, { signal: abort.signal });
  const follow = call[Symbol.asyncIterator]();
  assert.equal(await next(follow), '1 selected');
  assert.equal(await next(follow), 'web1 running');
  await api.parts.clock.advance(logDelayMs);
  assert.equal(await next(follow), 'web1: x');
  abort.abort();
  await closed.promise;
  await settle();
  assert.equal(dispatch.listeners, 0);
});

it('followTasks() ends at once where nothing is selected', async () => {
  await using api = await start('web1');
  assert.deepEqual((await collect(followTasks(api.parts, { ids: [] }, 'latest', never))).map(describe), [
    '0 selected',
  ]);
});

async function start(...nodes: string[]): Promise<ApiFixture & { readonly tasks: [Task, Task, Task] }> {
  const api = await ApiFixture.start();
  await api.addNodes(...nodes);
  const { tasks } = await api.client(RunService).createRun({ id, nodes: '@all', spec: { argv: ['x'] } });
  return Object.assign(api, { tasks: tasks as [Task, Task, Task] });
}

async function next(follow: AsyncIterator<FollowTasksResponse>): Promise<string> {
  const { done, value } = await follow.next();
  return done ? 'end' : describe(value);
}

function describe({ kind }: FollowTasksResponse): string {
  if (kind.case === 'selected') return `${kind.value} selected`;
  if (kind.case === 'task') return `${kind.value.node} ${stateWord(kind.value.state)}`;
  assert.ok(kind.case === 'log');
  return `${kind.value.node}: ${new TextDecoder().decode(kind.value.data)}`;
}

function reasonOf(response: FollowTasksResponse | undefined): string | undefined {
  return response?.kind.case === 'task' ? response.kind.value.reason : undefined;
}

function chunk({ id: taskId, node }: Task, text: string): LogChunk {
  return create(LogChunkSchema, { taskId, node, data: new TextEncoder().encode(text) });
}

async function* chunks(task: Task, ...texts: string[]): AsyncGenerator<LogChunk> {
  for (const text of texts) yield chunk(task, text);
}

// biome-ignore lint/correctness/useYield: it refuses before the first chunk
async function* refusing(message: string): AsyncGenerator<LogChunk> {
  throw new NodeRefusedError(message);
}

/** A log to which nothing is added until its reader goes. */
async function* hanging(abort: AbortSignal): AsyncGenerator<LogChunk> {
  await new Promise((_, reject) => abort.addEventListener('abort', () => reject(abort.reason)));
}

/** Lets everything that is ready run. */
async function settle(): Promise<void> {
  for (let turn = 0; turn < 50; turn++) await new Promise((resolve) => setImmediate(resolve));
}
