import assert from 'node:assert/strict';
import { test } from 'node:test';
import { NodeState } from '#protocol/gen/drover/v1/node_pb.ts';
import { Freshness, TaskState } from '#protocol/gen/drover/v1/task_pb.ts';
import { ChaosCluster } from './chaos-cluster.ts';
import { waits } from './commands.ts';
import { freeze, graceMs, livePids, noticeMs, untilLive, untilNode } from './node-contact.ts';
import { isWithin, pass, rate } from './pace.ts';

const stopMs = 60_000;

test('9, 10: SIGSTOP for 60 s: of the agent, its node is unreachable and back; of the controller, no node is lost', async (t) => {
  const cluster = await ChaosCluster.start(t, { nodes: 3, clockRate: rate });
  await cluster.launch(waits(3), { count: 5 });
  await cluster.untilState(TaskState.RUNNING);
  const pids = await livePids(cluster);
  await pass(graceMs);

  await t.test('9: of the agent', async () => {
    const stoppedAt = performance.now();
    await freeze(cluster.agent('node2'), stopMs / rate, async () => {
      await untilNode(cluster, 'node2', NodeState.UNREACHABLE);
      assert.equal(isWithin(noticeMs, stoppedAt), true);
      const stale = (await cluster.tasks()).filter(({ freshness }) => freshness === Freshness.STALE);
      assert.deepEqual(
        stale.map(({ node, state }) => [node, state]),
        Array.from({ length: 5 }, () => ['node2', TaskState.RUNNING]),
      );
    });
    await untilNode(cluster, 'node2', NodeState.CONNECTED);
    await untilLive(cluster);
    assert.deepEqual(await livePids(cluster), pids);
  });

  await t.test('10: of the controller', async () => {
    const before = (await cluster.events(['node.unreachable', 'node.lost'])).length;
    await freeze(cluster.controller, stopMs / rate);
    await untilLive(cluster);
    // Whoever would be judged by what was missed meanwhile would be so by now.
    await pass(noticeMs);
    const after = await cluster.events(['node.unreachable', 'node.lost', 'cluster.mass-loss']);
    assert.deepEqual(
      after.slice(before).map(({ kind, node }) => [kind, node]),
      [],
    );
    assert.deepEqual(await livePids(cluster), pids);
  });
  await cluster.verify();
});
