import assert from 'node:assert/strict';
import { test } from 'node:test';
import { systemClock } from '#base/clock.ts';
import { eventStream } from '#cli/follow/event-stream.ts';
import type { ClusterEvent } from '#protocol/gen/drover/v1/event_pb.ts';
import { ChaosCluster } from './chaos-cluster.ts';
import { exits } from './commands.ts';

/** Follows the events from the first on, over every loss of the controller, until `isLast`. */
async function follow(cluster: ChaosCluster, isLast: (seen: readonly ClusterEvent[]) => boolean) {
  const seen: ClusterEvent[] = [];
  let losses = 0;
  const stream = eventStream(cluster.api, {
    query: {},
    onlyNew: false,
    follow: true,
    clock: systemClock,
    abort: AbortSignal.timeout(60_000),
    onGone: (count) => assert.fail(`${count} events are gone`),
    onLost: () => losses++,
    onBack: () => {},
  });
  for await (const event of stream) {
    seen.push(event);
    if (isLast(seen)) break;
  }
  return { seen, losses };
}

for (const point of ['controller.events-received', 'controller.events-committed'] as const) {
  test(`SIGKILL at ${point}: a follower has every event once, and they tell what happened`, async (t) => {
    const runs = 20;
    const cluster = await ChaosCluster.start(t, { controller: `${point}=kill@2` });
    const count = (seen: readonly ClusterEvent[], kind: string) =>
      seen.filter((event) => event.kind === kind).length;
    const isOver = (seen: readonly ClusterEvent[]) =>
      count(seen, 'run.ended') === runs && count(seen, 'node.connected') === 2;
    const following = follow(cluster, isOver);
    const launched = cluster.launch(exits(5), { count: runs });
    await cluster.untilKilledAt(cluster.controller, 'controller', point);
    await cluster.startController();
    const ids = await launched;
    const { seen, losses } = await following;
    assert.equal(losses, 1);
    assert.deepEqual(
      seen.map(({ sequence }) => sequence),
      seen.map((_, i) => BigInt(i + 1)),
    );
    const { events } = await cluster.api.events.listEvents({ pageSize: 1_000 });
    assert.deepEqual(events.slice(0, seen.length), seen);
    for (const id of ids) {
      const ofTask = seen
        .filter(({ taskId }) => taskId === id)
        .map(({ kind, data }) => data['outcome'] ?? kind);
      assert.deepEqual(new Set(ofTask).size, ofTask.length, ofTask.join(', '));
      assert.equal(ofTask.at(-1), 'exit 5');
    }
    const kinds = seen.map(({ kind }) => kind).filter((kind) => /^(controller|node)\./.test(kind));
    assert.deepEqual(kinds, [
      'controller.started',
      'node.joined',
      'node.connected',
      'controller.started',
      'node.connected',
    ]);
    await cluster.verify();
  });
}
