import assert from 'node:assert/strict';
import { test } from 'node:test';
import { findIdentity } from '#agent/identity.ts';
import { readAccess } from '#cli/access-file.ts';
import { TaskState } from '#protocol/gen/drover/v1/task_pb.ts';
import { limits } from '#protocol/limits.ts';
import { until } from '#test/fixture/until.ts';
import { ChaosCluster } from './chaos-cluster.ts';
import { exits, waits } from './commands.ts';
import { attack } from './hostile-peers.ts';

/** Connections of strangers at once. */
const peers = 500;

/** How late the machine may be with a timer, milliseconds. */
const slackMs = 5_000;

/** What a call may take longer on a machine that other tests use too, milliseconds. */
const noiseMs = 50;

/** Times of so many calls, one after the other, milliseconds, sorted. */
async function timeCalls(cluster: ChaosCluster, count: number): Promise<number[]> {
  const times: number[] = [];
  for (let i = 0; i < count; i++) {
    const beganMs = performance.now();
    await cluster.api.nodes.listNodes({});
    times.push(performance.now() - beganMs);
  }
  return times.sort((a, b) => a - b);
}

const quantile = (sorted: readonly number[], q: number) => sorted[Math.floor(sorted.length * q)] ?? 0;

test('21: 500 connections that are silent, slow, garbage or too large are cut in time, and nobody else waits for them', async (t) => {
  const cluster = await ChaosCluster.start(t);
  await cluster.launch(waits(3), { count: 3 });
  await cluster.untilState(TaskState.RUNNING);
  const identity = await findIdentity(cluster.directoryOf());
  assert.ok(identity);
  await timeCalls(cluster, 100);
  const quiet = await timeCalls(cluster, 500);

  const { rootCertificate: root } = readAccess(cluster.directory);
  const hostile = attack({ ...cluster.addresses, root, credentials: identity.credentials }, peers);
  t.after(() => {
    for (const { socket } of hostile) socket.destroy();
  });
  await cluster.startAgent('late');
  await cluster.launch(exits(4), { count: 3 });
  const disturbed = await timeCalls(cluster, 500);

  const [p50, p99] = [0.5, 0.99].map((q) => [quantile(quiet, q), quantile(disturbed, q)] as const);
  t.diagnostic(`p50 and p99 before and meanwhile: ${p50}, ${p99} ms`);
  assert.ok(p50 && p50[1] < 2 * p50[0] + noiseMs);
  assert.ok(p99 && p99[1] < 2 * p99[0] + noiseMs);

  const left = () => new Set(hostile.flatMap(({ what, livedMs }) => (livedMs === undefined ? [what] : [])));
  await until('all are cut', () => left().size === 0).catch(() => {
    assert.deepEqual([...left()], []);
  });
  const latest = new Map<string, number>();
  for (const { what, livedMs = 0 } of hostile)
    latest.set(what, Math.max(latest.get(what) ?? 0, Math.round(livedMs)));
  t.diagnostic(JSON.stringify(Object.fromEntries(latest)));
  assert.ok((latest.get('says nothing to the API') ?? 0) > limits.handshakeTimeoutMs / 2);
  const maxMs = limits.handshakeTimeoutMs + limits.headersTimeoutMs + slackMs;
  assert.deepEqual(
    [...latest].filter(([, ms]) => ms > maxMs),
    [],
  );
  await cluster.verify();
});
