import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { NodeState } from '#protocol/gen/drover/v1/node_pb.ts';
import { TaskState } from '#protocol/gen/drover/v1/task_pb.ts';
import { TcpProxy } from '#test/fault-proxy/tcp-proxy.ts';
import { until } from '#test/fixture/until.ts';
import { ChaosCluster } from './chaos-cluster.ts';
import { checkBacklog } from './check-backlog.ts';
import { waits, writes } from './commands.ts';
import { graceMs, noticeMs, untilLive, untilNode } from './node-contact.ts';
import { isWithin, pass, rate } from './pace.ts';

/** How long a network stays parted, of the daemons' time: one that is over before its node is lost, and one that is not. */
const partitionsMs = rate === 1 ? [240_000, 360_000] : [60_000];

/** A node is lost after so long, of the daemons' time. */
const lostMs = 320_000;

/** Every one of these ends by closing a connection that the other side may still believe in. */
const agentNotices =
  /no session: (nothing came from the controller|nothing was heard of it|the connection broke|the controller closed)/g;

/** A node behind a proxy beside one that is not, with tasks that wait on both. */
async function start(t: TestContext) {
  const cluster = await ChaosCluster.start(t, { nodes: 0, clockRate: rate });
  const proxy = await TcpProxy.start(cluster.addresses.agents);
  t.after(() => proxy[Symbol.asyncDispose]());
  await cluster.join('far', proxy.address);
  await Promise.all([cluster.startAgent('far'), cluster.startAgent('near')]);
  await pass(graceMs);
  const noticed = () =>
    readFileSync(join(cluster.layout.logs, 'far.log'), 'utf8').match(agentNotices)?.length ?? 0;
  const launch = async () => {
    await cluster.closeGate();
    await cluster.launch(waits(3), { count: 10 });
    await cluster.launch(writes(500, 0), { count: 3 });
    await cluster.untilState(TaskState.RUNNING);
  };
  /** Does this, and waits until both sides have noticed, in time. */
  const part = async (how: () => void) => {
    const [before, partedAt] = [noticed(), performance.now()];
    how();
    await cluster.gate.open();
    await until('the agent notices', () => noticed() > before, noticeMs / rate + 10_000);
    assert.equal(isWithin(noticeMs, partedAt), true);
    await untilNode(cluster, 'far', NodeState.UNREACHABLE);
    assert.equal(isWithin(noticeMs, partedAt), true);
    return partedAt;
  };
  const heal = async () => {
    proxy.up.flow = 'pass';
    proxy.down.flow = 'pass';
    await untilNode(cluster, 'far', NodeState.CONNECTED);
    await cluster.settle();
  };
  return { cluster, proxy, launch, part, heal };
}

test('18: a network is parted, one way or both, forgets connections and flaps: all is told, in order and once', async (t) => {
  const { cluster, proxy, launch, part, heal } = await start(t);
  for (const ms of partitionsMs) {
    await t.test(`two ways, ${ms / 1_000} s`, async () => {
      await launch();
      const partedAt = await part(() => {
        proxy.up.flow = 'hold';
        proxy.down.flow = 'hold';
      });
      await sleep(Math.max(0, partedAt + ms / rate - performance.now()));
      if (ms > lostMs) await untilNode(cluster, 'far', NodeState.LOST);
      await heal();
    });
  }
  for (const way of ['up', 'down'] as const) {
    await t.test(`one way, ${way}`, async () => {
      await launch();
      await part(() => {
        proxy[way].flow = 'lose';
      });
      assert.ok(proxy[way].lost > 0);
      await heal();
    });
  }
  await t.test('half open: the old connection is dead on both sides and closed on none', async () => {
    await launch();
    const [{ up }, dialled] = [proxy, proxy.dialled];
    proxy.strand();
    await until('it dials again', () => proxy.dialled > dialled, noticeMs / rate + 10_000);
    await untilLive(cluster);
    assert.ok(up.lost > 0);
    await cluster.gate.open();
    await heal();
  });
  await t.test('flapping', async () => {
    await launch();
    await cluster.gate.open();
    let cuts = 0;
    for (let i = 0; i < 20; i++) {
      cuts += proxy.cut();
      await pass(500 + 100 * i);
    }
    assert.ok(cuts >= 10);
    await heal();
  });
  const events = await cluster.events(['task.ended']);
  await cluster.verify();
  assert.deepEqual(checkBacklog(cluster.recorder.recorded, events), []);
});
