/** What operators do to nodes, through a real cluster: labels, drains, and removal for good. */
import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { test } from 'node:test';
import { v7 } from 'uuid';
import { version } from '#base/installation.ts';
import { describeOutcome } from '#core/outcome.ts';
import { WhenUnreachable } from '#protocol/gen/drover/v1/api_pb.ts';
import { NodeState } from '#protocol/gen/drover/v1/node_pb.ts';
import { type Task, TaskState } from '#protocol/gen/drover/v1/task_pb.ts';
import { TestCluster } from '#test/fixture/cluster.ts';
import { until } from '#test/fixture/until.ts';

const launch = async (cluster: TestCluster, nodes: string, argv: string[], more = {}) =>
  (await cluster.connection.runs.createRun({ id: v7(), nodes, spec: { argv }, ...more })).tasks;

const taskOf = (cluster: TestCluster, { id }: Task) => cluster.connection.tasks.getTask({ ref: id });

async function kindsOf(cluster: TestCluster, nodes: string): Promise<string[]> {
  const { events } = await cluster.connection.events.listEvents({ query: { nodes }, pageSize: 100 });
  return events.map(({ kind }) => kind);
}

test('a drained node takes nothing new and keeps what it has; labels and drains survive the controller', async () => {
  await using cluster = await TestCluster.start(2);
  const { nodes } = cluster.connection;
  const [running] = await launch(cluster, 'node1', ['sleep', '60']);
  assert.ok(running);
  await until('it runs', async () => (await taskOf(cluster, running)).state === TaskState.RUNNING);
  await nodes.labelNodes({ nodes: 'node[1-2]', set: { role: 'web', zone: 'a' } });
  await nodes.labelNodes({ nodes: '@role=web!node2', set: { role: 'db' }, remove: ['zone', 'none'] });
  const { nodes: drained } = await nodes.drainNodes({ selector: 'role=db', nodes: '', reason: 'new disk' });
  assert.deepEqual(
    drained.map(({ name, drain }) => [name, drain?.reason, drain?.by]),
    [['node1', 'new disk', 'admin']],
  );
  await cluster.restartController();
  const skippedReason = 'skipped: its node is drained: new disk';
  for (const more of [{}, { pacing: { maxConcurrency: 1 } }] as const) {
    const tasks = await launch(cluster, 'node[1-2]', ['true'], more);
    await until('both have ended', async () => {
      const now = await Promise.all(tasks.map((task) => taskOf(cluster, task)));
      return now.every(({ state }) => state === TaskState.ENDED);
    });
    const ended = await Promise.all(tasks.map((task) => taskOf(cluster, task)));
    assert.deepEqual(
      ended.map(({ outcome }) => outcome && describeOutcome(outcome)),
      [skippedReason, 'exit 0'],
    );
  }
  assert.equal((await taskOf(cluster, running)).state, TaskState.RUNNING);
  const { nodes: resumed } = await cluster.connection.nodes.resumeNodes({ nodes: 'node1' });
  assert.equal(resumed[0]?.drain, undefined);
  assert.deepEqual(resumed[0]?.labels, { role: 'db' });
  const [again] = await launch(cluster, 'node1', ['true']);
  await until('it ended', async () => {
    return again !== undefined && (await taskOf(cluster, again)).state === TaskState.ENDED;
  });
  const kinds = (await kindsOf(cluster, 'node1')).filter((kind) => /labelled|drained|resumed/.test(kind));
  assert.deepEqual(kinds, ['node.labelled', 'node.labelled', 'node.drained', 'node.resumed']);
});

test('what waits for a node that is drained meanwhile is skipped when the node comes', async () => {
  await using cluster = await TestCluster.start(2);
  await cluster.stopNode('node2');
  const waits = { whenUnreachable: WhenUnreachable.WAIT };
  const [waiting] = await launch(cluster, 'node2', ['true'], waits);
  assert.ok(waiting);
  await cluster.connection.nodes.drainNodes({ nodes: 'node2', reason: 'new disk' });
  assert.equal((await taskOf(cluster, waiting)).state, TaskState.PENDING);
  await cluster.startNode('node2');
  await until('it has ended', async () => (await taskOf(cluster, waiting)).state === TaskState.ENDED);
  const { outcome, attempts } = await taskOf(cluster, waiting);
  assert.equal(outcome && describeOutcome(outcome), 'skipped: its node is drained: new disk');
  assert.equal(attempts.length, 0);
});

test('a removed node is cut at once, refused from then on, and what ran there ends as unknown', async () => {
  await using cluster = await TestCluster.start(2);
  const [running] = await launch(cluster, 'node2', ['sleep', '60']);
  const agent = cluster.agents.get('node2');
  assert.ok(running && agent);
  await until('it runs', async () => (await taskOf(cluster, running)).state === TaskState.RUNNING);
  const removedAt = performance.now();
  const { unknownTasks } = await cluster.connection.nodes.removeNode({ name: 'node2' });
  assert.equal(unknownTasks, 1);
  assert.match((await agent.dismissed) ?? '', /this node was removed from its cluster/);
  assert.ok(performance.now() - removedAt < 5_000);
  const { outcome } = await taskOf(cluster, running);
  assert.equal(outcome && describeOutcome(outcome), 'unknown: its node was removed');
  const { nodes } = await cluster.connection.nodes.listNodes({});
  assert.deepEqual(
    nodes.map(({ name, state }) => [name, state]),
    [['node1', NodeState.CONNECTED]],
  );
  assert.equal(nodes[0]?.facts?.supervisorVersion, version);
  const kinds = await kindsOf(cluster, 'node2');
  assert.deepEqual(kinds.slice(-2), ['node.removed', 'task.ended']);
  await assert.rejects(launch(cluster, 'node2', ['true']), /no such node: node2/);
  // Its certificate is good for days; the controller knows its key no more, also after a restart.
  await cluster.restartController();
  await cluster.stopNode('node2');
  // What runs there is nobody's business any more but the node's.
  const pid = (await taskOf(cluster, running)).attempts[0]?.pid ?? 0;
  process.kill(pid, 'SIGKILL');
  await until('it is gone', () => !existsSync(`/proc/${pid}`));
  const back = await cluster.startNode('node2', { awaitReady: false });
  assert.match((await back.dismissed) ?? '', /no such node with this key/);
});
