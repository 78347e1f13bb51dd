import assert from 'node:assert/strict';
import { test } from 'node:test';
import { LogSource, SignalScope, TaskState } from '#protocol/gen/drover/v1/task_pb.ts';
import { TcpProxy } from '#test/fault-proxy/tcp-proxy.ts';
import { until } from '#test/fixture/until.ts';
import { ChaosCluster } from './chaos-cluster.ts';
import { prints, waits } from './commands.ts';
import { isAlive } from './processes.ts';

/** Not that of the other cases: what a link holds must be far longer than what the machine is late with. */
const rate = 5;

/** 256 kbit/s. */
const bytesPerSecond = 32_000;

/** Logs that are followed at once: more than the link's window has room for. */
const readers = 6;

/** How long the link is full, of the daemons' time. */
const fullMs = 40_000;

/** How soon a kill is confirmed, of the daemons' time. */
const killMs = 10_000;

test('19: a link of 256 kbit/s full of logs: no session is lost, and kills go through', async (t) => {
  const cluster = await ChaosCluster.start(t, { nodes: 0, clockRate: rate });
  const proxy = await TcpProxy.start(cluster.addresses.agents);
  t.after(() => proxy[Symbol.asyncDispose]());
  await cluster.join('far', proxy.address);
  await cluster.startAgent('far');
  const loud = await cluster.launch(prints(1_000_000), { count: readers });
  const quiet = await cluster.launch(waits(0), { count: 4 });
  await cluster.untilState(TaskState.RUNNING, quiet);
  const dialled = proxy.dialled;

  const over = new AbortController();
  proxy.up.bytesPerSecond = bytesPerSecond * rate;
  proxy.down.bytesPerSecond = bytesPerSecond * rate;
  let bytes = 0;
  const reading = loud.map(async (id) => {
    const request = { query: { refs: [id] }, source: LogSource.STDOUT, follow: true };
    for await (const { data } of cluster.api.tasks.readLogs(request, { signal: over.signal }))
      bytes += data.length;
  });
  const beganMs = performance.now();
  await until('the link is full', () => bytes > 0.5 * bytesPerSecond * rate);
  for (const id of quiet) {
    const pid = (await cluster.tasks([id]))[0]?.attempts[0]?.pid ?? 0;
    const askedMs = performance.now();
    const { results } = await cluster.api.tasks.signalTasks({
      query: { refs: [id] },
      signal: 'SIGKILL',
      scope: SignalScope.GROUP,
    });
    const tookMs = (performance.now() - askedMs) * rate;
    t.diagnostic(`a kill took ${Math.round(tookMs)} ms`);
    assert.deepEqual(
      results.map(({ error }) => error),
      [''],
    );
    await until('it is dead', () => !isAlive(pid));
    assert.ok(tookMs < killMs, `a kill took ${tookMs} ms`);
  }
  await until('it was full for long enough', () => (performance.now() - beganMs) * rate > fullMs);
  assert.equal(proxy.dialled, dialled);
  assert.deepEqual(
    (await cluster.events(['node.disconnected'])).map(({ node }) => node),
    [],
  );
  assert.ok(bytes > (0.5 * bytesPerSecond * fullMs) / 1_000);
  over.abort();
  await Promise.allSettled(reading);
  proxy.up.bytesPerSecond = Number.POSITIVE_INFINITY;
  proxy.down.bytesPerSecond = Number.POSITIVE_INFINITY;
  await cluster.verify({ signals: ['SIGKILL'] });
});
