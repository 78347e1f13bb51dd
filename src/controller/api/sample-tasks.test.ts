import assert from 'node:assert/strict';
import { it } from 'node:test';
import { create } from '@bufbuild/protobuf';
import { Code } from '@connectrpc/connect';
import { RunService, TaskService } from '#protocol/gen/drover/v1/api_pb.ts';
import { NodeState } from '#protocol/gen/drover/v1/node_pb.ts';
import { TaskSampleSchema, TaskState } from '#protocol/gen/drover/v1/task_pb.ts';
import { limits } from '#protocol/limits.ts';
import { ApiFixture, ended, running } from './testing/api-fixture.ts';

const sample = (taskId: string) => create(TaskSampleSchema, { taskId, processes: 1 });

/** One task on each of these nodes, by node. */
async function start(...nodes: string[]) {
  const api = await ApiFixture.start();
  await api.addNodes(...nodes);
  const run = { id: '01979c5e-7d0c-7000-8000-000000000001', nodes: '@all', spec: { argv: ['x'] } };
  const { tasks } = await api.client(RunService).createRun(run);
  return Object.assign(api, { ids: new Map(tasks.map(({ node, id }) => [node, id])) });
}

it('sampleTasks() asks the nodes of what runs, and tells of what waits', async () => {
  await using api = await start('web1', 'web2', 'web3', 'web10');
  const id = (node: string) => api.ids.get(node) ?? '';
  const { samples } = api.parts.dispatch;
  for (const node of ['web1', 'web2', 'web3', 'web10']) samples.set(node, [sample(id(node))]);
  await api.changeTask(id('web1'), running(7));
  await api.changeTask(id('web10'), { state: TaskState.STOPPING });
  await api.changeTask(id('web3'), ended(0));
  const client = api.client(TaskService);
  const all = await client.sampleTasks({});
  assert.deepEqual(all.samples.map(({ taskId }) => taskId).sort(), [id('web1'), id('web10')].sort());
  assert.deepEqual(
    all.tasks.map(({ node, state }) => [node, state]),
    [
      ['web1', TaskState.RUNNING],
      ['web2', TaskState.PENDING],
      ['web10', TaskState.STOPPING],
    ],
  );
  const one = await client.sampleTasks({ query: { nodes: 'web10' } });
  assert.deepEqual([one.samples.length, one.tasks.length], [1, 1]);
  const none = await client.sampleTasks({ query: { states: [TaskState.ENDED] } });
  assert.deepEqual([none.samples.length, none.tasks.length], [0, 0]);
});

it('sampleTasks() names the nodes that cannot be asked, or do not answer in time', async () => {
  await using api = await start('web1', 'web2', 'web3');
  const { dispatch, clock } = api.parts;
  for (const [node, id] of api.ids) {
    await api.changeTask(id, running(7));
    dispatch.samples.set(node, [sample(id)]);
  }
  dispatch.changeNode('web2', { state: NodeState.DISCONNECTED, seenAtMs: undefined });
  const asked = Promise.withResolvers<void>();
  dispatch.onSample = (node) => {
    if (node !== 'web3') return undefined;
    asked.resolve();
    return new Promise(() => {});
  };
  const sampling = api.client(TaskService).sampleTasks({});
  await asked.promise;
  await clock.advance(limits.sampleTimeoutMs);
  const { samples, tasks, problems } = await sampling;
  assert.deepEqual([samples.length, tasks.length], [1, 3]);
  assert.deepEqual(
    problems.map(({ node, error }) => `${node}: ${error}`),
    ['web2: it is not connected', 'web3: the node did not answer within 5 s'],
  );
});

it('sampleTasks() refuses what it cannot find', async () => {
  await using api = await start('web1');
  const call = api.client(TaskService).sampleTasks({ query: { refs: ['nosuchtask'] } });
  await assert.rejects(call, { code: Code.NotFound });
});
