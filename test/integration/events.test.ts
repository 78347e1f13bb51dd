/** The cluster's events through a real cluster: what happens is told, in order, with the reasons. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { v7 } from 'uuid';
import type { ClusterEvent } from '#protocol/gen/drover/v1/event_pb.ts';
import { SignalScope } from '#protocol/gen/drover/v1/task_pb.ts';
import { TestCluster } from '#test/fixture/cluster.ts';

test('events tell the life of nodes, runs and tasks, and a restart of the controller loses none', async () => {
  await using cluster = await TestCluster.start(2);
  const { run, tasks } = await cluster.connection.runs.createRun({
    id: v7(),
    nodes: 'node[1-2]',
    spec: { argv: ['sleep', '60'] },
  });
  const refs = [run?.id ?? ''];
  const running = await readUntil(cluster, { refs }, (events) => count(events, 'task.running') === 2);
  assert.equal(running[0]?.kind, 'run.created');
  await cluster.connection.tasks.signalTasks({ query: { refs }, signal: 'KILL', scope: SignalScope.LEADER });
  const over = await readUntil(cluster, { refs }, (events) => count(events, 'run.ended') === 1);
  const ofTask = over.filter((event) => event.taskId === tasks[0]?.id);
  assert.deepEqual(
    ofTask.map(({ kind }) => kind).filter((kind) => kind !== 'task.starting'),
    ['task.running', 'task.signal', 'task.ended'],
  );
  assert.equal(ofTask.at(-1)?.data['outcome'], 'SIGKILL');
  assert.deepEqual(over.at(-1)?.data, { failed: '2' });
  await cluster.restartController();
  const all = await readUntil(cluster, {}, (events) => count(events, 'node.connected') === 4);
  assert.deepEqual(
    all.map(({ sequence }) => sequence),
    all.map((_, i) => BigInt(i + 1)),
  );
  assert.equal(count(all, 'controller.started'), 2);
  assert.equal(count(all, 'controller.stopped'), 1);
  assert.equal(count(all, 'node.joined'), 2);
});

function count(events: readonly ClusterEvent[], kind: string): number {
  return events.filter((event) => event.kind === kind).length;
}

async function readUntil(
  cluster: TestCluster,
  query: { readonly refs?: string[] },
  isLast: (events: readonly ClusterEvent[]) => boolean,
): Promise<ClusterEvent[]> {
  const events: ClusterEvent[] = [];
  const signal = AbortSignal.timeout(30_000);
  for await (const { kind } of cluster.connection.events.followEvents({ query, follow: true }, { signal })) {
    if (kind.case === 'event') events.push(kind.value);
    if (isLast(events)) break;
  }
  return events;
}
