import assert from 'node:assert/strict';
import { it } from 'node:test';
import type { ConnectError } from '@connectrpc/connect';
import { v7 } from 'uuid';
import type { ErrorReason } from '#protocol/errors.ts';
import { ErrorDetailSchema, RunService, WhenUnreachable } from '#protocol/gen/drover/v1/api_pb.ts';
import { NodeState } from '#protocol/gen/drover/v1/node_pb.ts';
import { Freshness, TaskState } from '#protocol/gen/drover/v1/task_pb.ts';
import { isTaskId } from '#protocol/ids.ts';
import { ApiFixture, ended } from './testing/api-fixture.ts';

const id = '01979c5e-7d0c-7000-8000-000000000001';
const spec = { argv: ['backup', '--full'], env: { SECRET: 'hunter2' }, stopSignal: 'int' };

it('createRun() records run, tasks and audit, and launches them', async () => {
  await using api = await ApiFixture.start();
  await api.addNodes('web10', 'web2', 'db1');
  const { run, tasks } = await api
    .client(RunService)
    .createRun({ id, name: 'nightly', nodes: 'web*,db1', spec });
  assert.deepEqual(
    [run?.id, run?.name, run?.nodes, run?.createdBy],
    [id, 'nightly', 'db1,web[2,10]', 'admin'],
  );
  assert.deepEqual([run?.counts?.total, run?.counts?.active], [3, 3]);
  assert.deepEqual(
    tasks.map((task) => task.node),
    ['db1', 'web2', 'web10'],
  );
  for (const task of tasks) {
    assert.ok(isTaskId(task.id));
    assert.deepEqual([task.state, task.freshness], [TaskState.PENDING, Freshness.LIVE]);
    assert.equal(task.spec?.stopSignal, 'SIGINT');
  }
  const launched = {
    kind: 'launch',
    tasks: tasks.map((task) => task.id),
    whenUnreachable: WhenUnreachable.FAIL,
  };
  assert.deepEqual(api.parts.dispatch.orders, [launched]);
  const [audit] = await api.parts.store.read.listAudit(0, 10);
  assert.deepEqual([audit?.who, audit?.verb, audit?.nodes], ['admin', 'task.launch', 'db1,web[2,10]']);
  assert.equal(audit?.targets, id);
  assert.match(audit?.request ?? '', /"argv":\["backup","--full"\]/);
  assert.doesNotMatch(audit?.request ?? '', /hunter2/, 'values of the environment may be secrets');
});

it('createRun() hands on a paced run with tasks that wait for their turn', async () => {
  await using api = await ApiFixture.start();
  await api.addNodes('web1', 'web2');
  const client = api.client(RunService);
  const { run, tasks } = await client.createRun({ id, nodes: '@all', spec, pacing: { maxConcurrency: 1 } });
  assert.equal(run?.pacing?.maxConcurrency, 1);
  assert.deepEqual(
    tasks.map(({ reason }) => reason),
    ['waits for its turn', 'waits for its turn'],
  );
  assert.deepEqual(api.parts.dispatch.orders, [
    { kind: 'pace', run: id, tasks: tasks.map((task) => task.id) },
  ]);
  assert.equal((await client.getRun({ id })).pacing?.maxConcurrency, 1);
  const unpaced = await client.createRun({ id: v7(), nodes: '@all', spec, pacing: {} });
  assert.equal(unpaced.run?.pacing, undefined);
  await assert.rejects(
    client.createRun({ id: v7(), nodes: '@all', spec, pacing: { batchSleepMs: 1n } }),
    /a pause between tasks needs a limit/,
  );
});

it('createRun() answers the same id with the same run, and launches once', async () => {
  await using api = await ApiFixture.start();
  await api.addNodes('web1', 'web2');
  const client = api.client(RunService);
  const request = { id, nodes: '@all', spec };
  const answers = await Promise.all(Array.from({ length: 5 }, () => client.createRun(request)));
  const again = {
    ...request,
    whenUnreachable: WhenUnreachable.FAIL,
    spec: { ...spec, stopSignal: 'SIGINT' },
  };
  answers.push(await client.createRun(again));
  const ids = new Set(answers.map(({ tasks }) => tasks.map((task) => task.id).join()));
  assert.equal(ids.size, 1);
  assert.equal(api.parts.dispatch.orders.length, 1);
  assert.equal((await api.parts.store.read.listAudit(0, 10)).length, 1);
});

it('createRun() is the same run also when nodes have joined since', async () => {
  await using api = await ApiFixture.start();
  await api.addNodes('web1');
  const client = api.client(RunService);
  await client.createRun({ id, nodes: '@all', spec });
  await api.addNodes('web2');
  assert.equal((await client.createRun({ id, nodes: '@all', spec })).tasks.length, 1);
});

it('createRun() tells how fresh a task of a node is that is away', async () => {
  await using api = await ApiFixture.start();
  await api.addNodes('web1');
  api.parts.dispatch.changeNode('web1', { state: NodeState.LOST, seenAtMs: 1_000 });
  const { tasks } = await api.client(RunService).createRun({ id, nodes: 'web1', spec });
  assert.deepEqual([tasks[0]?.freshness, tasks[0]?.nodeSeenAt?.seconds], [Freshness.LOST, 1n]);
});

it('createRun() stays acknowledged when dispatch fails after the commit', async () => {
  await using api = await ApiFixture.start();
  await api.addNodes('web1');
  Object.assign(api.parts.dispatch, { launch: () => Promise.reject(new Error('broken')) });
  assert.equal((await api.client(RunService).createRun({ id, nodes: 'web1', spec })).tasks.length, 1);
});

it('createRun() asks for task.shell in the audit when a shell is launched', async () => {
  await using api = await ApiFixture.start();
  await api.addNodes('web1');
  await api.client(RunService).createRun({ id, nodes: 'web1', spec: { ...spec, shell: true } });
  const [audit] = await api.parts.store.read.listAudit(0, 10);
  assert.equal(audit?.verb, 'task.shell');
});

it('createRun() launches on nodes with the labels, and exclusion wins', async () => {
  await using api = await ApiFixture.start();
  await api.addNodes('web1', 'web2', 'web10', 'db1');
  const client = api.client(RunService);
  for (const [target, launchedOn] of [
    [{ selector: 'name notin (web2)' }, 'db1,web[1,10]'],
    [{ nodes: 'web*', selector: 'name!=web2' }, 'web[1,10]'],
    [{ nodes: '@all', selector: 'name', exclude: 'web*' }, 'db1'],
  ] as const) {
    const { run } = await client.createRun({ id: v7(), spec, ...target });
    assert.equal(run?.nodes, launchedOn);
  }
});

const refusals: readonly (readonly [string, object, ErrorReason, string])[] = [
  ['an unknown node', { nodes: 'web[1,7-9]' }, 'NO_SUCH_NODE', 'no such node: web[7-9]'],
  ['a set that matches nothing', { nodes: 'db*' }, 'NO_NODE_MATCHED', 'no node matches "db*"'],
  ['a malformed set', { nodes: 'web[' }, 'INVALID', 'node set "web[" ends inside brackets at character 5'],
  ['an empty set', { nodes: '' }, 'INVALID', 'no nodes are named: an empty target never means all'],
  [
    'labels that no node has',
    { nodes: '', selector: 'name in (a,b)' },
    'NO_NODE_MATCHED',
    'no node matches the labels "name in (a,b)"',
  ],
  [
    'a set of which nothing is left',
    { nodes: 'web*', selector: 'name', exclude: 'web1' },
    'NO_NODE_MATCHED',
    'no node matches "web*" and the labels "name" without "web1"',
  ],
  [
    'a malformed selector',
    { selector: 'a in b' },
    'INVALID',
    'label selector "a in b" has "b" where ( is expected at character 6',
  ],
  ['an empty command', { spec: { argv: [] } }, 'INVALID', 'the command is empty'],
];
for (const [what, change, reason, message] of refusals) {
  it(`createRun() refuses ${what} and records nothing`, async () => {
    await using api = await ApiFixture.start();
    await api.addNodes('web1');
    const { store, dispatch } = api.parts;
    const call = api.client(RunService).createRun({ id, nodes: 'web1', spec, ...change });
    await assert.rejects(call, (error: ConnectError) => {
      assert.equal(error.rawMessage, message);
      assert.equal(error.findDetails(ErrorDetailSchema)[0]?.reason, reason);
      return true;
    });
    assert.equal(await store.read.findRun(id), undefined);
    assert.deepEqual([await store.read.listAudit(0, 10), dispatch.orders], [[], []]);
  });
}

it('createRun() refuses an id that was used with another content', async () => {
  await using api = await ApiFixture.start();
  await api.addNodes('web1');
  const client = api.client(RunService);
  await client.createRun({ id, nodes: 'web1', spec });
  for (const change of [
    { name: 'x' },
    { spec: { argv: ['other'] } },
    { whenUnreachable: WhenUnreachable.WAIT },
  ]) {
    await assert.rejects(client.createRun({ id, nodes: 'web1', spec, ...change }), /exists already/);
  }
});

it('createRun() takes nothing new while the controller is being stopped', async () => {
  await using api = await ApiFixture.start();
  await api.addNodes('web1');
  const client = api.client(RunService);
  await client.createRun({ id, nodes: 'web1', spec });
  api.parts.stopSwitch.close();
  assert.equal(
    (await client.createRun({ id, nodes: 'web1', spec })).tasks.length,
    1,
    'the same run again is not new',
  );
  await assert.rejects(client.createRun({ id: id.replace(/1$/, '2'), nodes: 'web1', spec }), /is stopping/);
});

it('getRun() and listRuns() give runs with their counts, newest first, by pages', async () => {
  await using api = await ApiFixture.start();
  await api.addNodes('web1', 'web2');
  const client = api.client(RunService);
  const ids = [1, 2, 3].map((n) => id.replace(/1$/, String(n)));
  for (const run of ids) await client.createRun({ id: run, nodes: 'web[1-2]', spec });
  const [task] = await api.parts.store.read.selectTasks({ runIds: [id] });
  await api.changeTask(task?.id ?? '', ended(1));
  const counts = (await client.getRun({ id })).counts;
  assert.deepEqual([counts?.total, counts?.active, counts?.failed], [2, 1, 1]);
  await assert.rejects(client.getRun({ id: '01979c5e' }), /fits several: 01979c5e-/);
  await assert.rejects(client.getRun({ id: '0197ffff' }), /no such run: "0197ffff"/);

  const first = await client.listRuns({ pageSize: 2 });
  const second = await client.listRuns({ pageSize: 2, pageToken: first.nextPageToken });
  assert.deepEqual(
    [...first.runs, ...second.runs].map((run) => run.id),
    ids.toReversed(),
  );
  assert.equal(second.nextPageToken, '');
  await assert.rejects(client.listRuns({ pageSize: 1001 }), /1000 rows at the most/);
  await assert.rejects(client.listRuns({ pageToken: 'nonsense' }), /not a page token/);
});
