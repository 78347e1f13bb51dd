import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { readAccess } from '#cli/access-file.ts';
import { connectCluster } from '#cli/connect-cluster.ts';
import { NodeState } from '#protocol/gen/drover/v1/node_pb.ts';
import { TaskState } from '#protocol/gen/drover/v1/task_pb.ts';
import { TcpProxy } from '#test/fault-proxy/tcp-proxy.ts';
import { until } from '#test/fixture/until.ts';
import { ChaosCluster } from './chaos-cluster.ts';
import { exits, waits } from './commands.ts';
import { lowerLimit } from './limit-process.ts';
import { livePids, untilNode } from './node-contact.ts';
import { footprintOf } from './processes.ts';

/** How much faster time passes: an agent that has no descriptor tries again the sooner. */
const clockRate = 5;

/** More than there are descriptors for. */
const strangers = 200;

/** What a daemon may say of it, in lines. */
const linesMax = 20;

const linesOf = (cluster: ChaosCluster, name: string) =>
  readFileSync(join(cluster.layout.logs, `${name}.log`), 'utf8').split('\n').length;

test('17: descriptors exhausted: whoever is connected goes on, whoever comes waits, and it is over when it is over', async (t) => {
  const cluster = await ChaosCluster.start(t, { nodes: 0, clockRate });
  const proxy = await TcpProxy.start(cluster.addresses.agents);
  t.after(() => proxy[Symbol.asyncDispose]());
  await cluster.join('node1', proxy.address);
  await cluster.startAgent('node1');
  const waiting = await cluster.launch(waits(3), { count: 5 });
  await cluster.untilState(TaskState.RUNNING);
  const pids = await livePids(cluster, waiting);

  await t.test('of the controller', async () => {
    const { pid = 0 } = cluster.controller;
    const lines = linesOf(cluster, 'controller');
    const max = footprintOf(pid).descriptors + 20;
    const lift = lowerLimit(pid, 'nofile', max);
    const { api, agents } = cluster.addresses;
    const sockets = Array.from({ length: strangers }, (_, i) => connect(i % 2 === 0 ? api : agents));
    for (const socket of sockets) socket.on('error', () => {});
    await sleep(500);
    // What is connected already is not held up by it.
    await cluster.launch(exits(4), { count: 5 });
    assert.ok(footprintOf(pid).descriptors >= max - 2, 'there are descriptors left');
    for (const socket of sockets) socket.destroy();
    using fresh = connectCluster(readAccess(cluster.directory));
    await until('somebody new is let in', async () => {
      return await fresh.nodes.listNodes({}).then(
        () => true,
        () => false,
      );
    });
    lift();
    const said = linesOf(cluster, 'controller') - lines;
    assert.ok(said <= linesMax, `${said} lines`);
    await untilNode(cluster, 'node1', NodeState.CONNECTED);
  });

  await t.test('of an agent', async () => {
    const { pid = 0 } = cluster.agent('node1');
    const lines = linesOf(cluster, 'node1');
    const lift = lowerLimit(pid, 'nofile', 3);
    await cluster.untilState(TaskState.ENDED, await cluster.launch(exits(5), { count: 5 }));
    proxy.cut();
    await sleep(3_000);
    lift();
    await untilNode(cluster, 'node1', NodeState.CONNECTED);
    const said = linesOf(cluster, 'node1') - lines;
    assert.ok(said <= linesMax, `${said} lines`);
  });
  assert.deepEqual(await livePids(cluster, waiting), pids);
  await cluster.verify({ notStarted: /EMFILE|descriptor/ });
});
