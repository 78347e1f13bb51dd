import assert from 'node:assert/strict';
import { it } from 'node:test';
import { ClusterService, RunService } from '#protocol/gen/drover/v1/api_pb.ts';
import { NodeState } from '#protocol/gen/drover/v1/node_pb.ts';
import { Cause, type Task } from '#protocol/gen/drover/v1/task_pb.ts';
import { ApiFixture, ended, running } from './testing/api-fixture.ts';

const id = '01979c5e-7d0c-7000-8000-000000000001';

it('getCluster() says who the cluster is and how it is', async () => {
  await using api = await ApiFixture.start();
  await api.addNodes('web1', 'web2');
  api.parts.dispatch.changeNode('web2', { state: NodeState.UNREACHABLE, seenAtMs: 1 });
  const cluster = await api.client(ClusterService).getCluster({});
  assert.equal(cluster.id, await api.parts.store.read.clusterId());
  const { version, nodes, connected, agentAddress } = cluster;
  assert.deepEqual([version, nodes, connected, agentAddress], ['0.0.0-test', 2, 1, '127.0.0.1:7444']);
});

it('shutdown() stops every task, waits for their end, answers, then asks for the stop', async () => {
  await using api = await start();
  const { dispatch, stopSwitch } = api.parts;
  const stopped: Task[] = [];
  const all = Promise.withResolvers<void>();
  dispatch.onStop = (task) => {
    stopped.push(task);
    if (stopped.length === 2) all.resolve();
  };
  const answer = api.client(ClusterService).shutdown({ stopTasks: true });
  await all.promise;
  assert.equal(stopSwitch.open, false);
  for (const task of stopped) await api.changeTask(task.id, ended(143));
  assert.deepEqual((await answer).activeTasks, []);
  await stopSwitch.requested;
  assert.deepEqual(
    dispatch.orders.map((order) => order.kind === 'stop' && order.cause),
    [Cause.SHUTDOWN, Cause.SHUTDOWN],
  );
  const audit = (await api.parts.store.read.listAudit(0, 10)).at(-1);
  assert.deepEqual([audit?.verb, audit?.who], ['node.manage', 'admin']);
});

it('shutdown() waits no longer than it was told, and names what still runs', async () => {
  await using api = await start();
  const { dispatch, clock, stopSwitch } = api.parts;
  const ordered = Promise.withResolvers<void>();
  dispatch.onStop = () => ordered.resolve();
  const answer = api.client(ClusterService).shutdown({ stopTasks: true, stopTimeoutMs: 1_000n });
  await ordered.promise;
  await clock.advance(1_000);
  assert.equal((await answer).activeTasks.length, 2);
  await stopSwitch.requested;
});

it('shutdown() does not wait for a task whose node did not take the order', async () => {
  await using api = await start();
  const { dispatch } = api.parts;
  dispatch.changeNode('web2', { state: NodeState.DISCONNECTED, seenAtMs: 1 });
  dispatch.onStop = (task) => void api.changeTask(task.id, ended(143));
  const { activeTasks } = await api.client(ClusterService).shutdown({ stopTasks: true });
  assert.deepEqual(activeTasks, [api.tasks[1]?.id]);
});

it('shutdown() leaves tasks alone unless it was told to stop them', async () => {
  await using api = await start();
  const { activeTasks } = await api.client(ClusterService).shutdown({});
  assert.equal(activeTasks.length, 2);
  assert.deepEqual(api.parts.dispatch.orders, []);
});

it('shutdown() is called off when its caller goes away while it waits', async () => {
  await using api = await start();
  const { dispatch, stopSwitch } = api.parts;
  const ordered = Promise.withResolvers<void>();
  dispatch.onStop = () => ordered.resolve();
  const abort = new AbortController();
  const call = api.client(ClusterService).shutdown({ stopTasks: true }, { signal: abort.signal });
  const gone = assert.rejects(call);
  await ordered.promise;
  abort.abort();
  await gone;
  while (!stopSwitch.open) await new Promise((resolve) => setImmediate(resolve));
  assert.equal(dispatch.listeners, 0);
});

async function start(): Promise<ApiFixture & { readonly tasks: readonly Task[] }> {
  const api = await ApiFixture.start();
  await api.addNodes('web1', 'web2');
  const { tasks } = await api.client(RunService).createRun({ id, nodes: '@all', spec: { argv: ['x'] } });
  for (const task of tasks) await api.changeTask(task.id, running(1));
  api.parts.dispatch.orders.length = 0;
  return Object.assign(api, { tasks });
}
