import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { NodeState } from '#protocol/gen/drover/v1/node_pb.ts';
import { TcpProxy } from '#test/fault-proxy/tcp-proxy.ts';
import type { Flow } from '#test/fault-proxy/weather.ts';
import { until } from '#test/fixture/until.ts';
import { ChaosCluster } from './chaos-cluster.ts';
import { FarNode } from './far-node.ts';
import { noticeMs, untilLive, untilNode } from './node-contact.ts';
import { pass, rate } from './pace.ts';

/** How long a network stays parted, of the daemons' time: one that is over before its node is lost, and one that is not. */
const partitionsMs = rate === 1 ? [240_000, 360_000] : [60_000];

/** A node is lost after so long, of the daemons' time. */
const lostMs = 320_000;

test('18: a network is parted, one way or both, forgets connections and flaps: all is told, in order and once', async (t) => {
  const cluster = await ChaosCluster.start(t, { nodes: 1, clockRate: rate });
  const proxy = await TcpProxy.start(cluster.addresses.agents);
  t.after(() => proxy[Symbol.asyncDispose]());
  const far = await FarNode.start(cluster, proxy.address);
  const set = (up: Flow, down: Flow) => () => {
    proxy.up.flow = up;
    proxy.down.flow = down;
  };
  for (const ms of partitionsMs) {
    await t.test(`two ways, ${ms / 1_000} s`, async () => {
      await far.launch();
      const partedAt = await far.part(set('hold', 'hold'));
      await sleep(Math.max(0, partedAt + ms / rate - performance.now()));
      if (ms > lostMs) await untilNode(cluster, 'far', NodeState.LOST);
      await far.heal(set('pass', 'pass'));
    });
  }
  for (const way of ['up', 'down'] as const) {
    await t.test(`one way, ${way}`, async () => {
      await far.launch();
      await far.part(way === 'up' ? set('lose', 'pass') : set('pass', 'lose'));
      assert.ok(proxy[way].lost > 0);
      await far.heal(set('pass', 'pass'));
    });
  }
  await t.test('half open: the old connection is dead on both sides and closed on none', async () => {
    await far.launch();
    const [{ up }, dialled] = [proxy, proxy.dialled];
    proxy.strand();
    await until('it dials again', () => proxy.dialled > dialled, noticeMs / rate + 10_000);
    await untilLive(cluster);
    assert.ok(up.lost > 0);
    await cluster.gate.open();
    await far.heal();
  });
  await t.test('flapping', async () => {
    await far.launch();
    await cluster.gate.open();
    for (let cuts = 0, i = 0; cuts < 10; i++) {
      cuts += proxy.cut();
      await pass(500 * (1 + (i % 8)));
    }
    await far.heal();
  });
  await far.verify();
});
