import assert from 'node:assert/strict';
import { test } from 'node:test';
import { NodeState } from '#protocol/gen/drover/v1/node_pb.ts';
import { TaskState } from '#protocol/gen/drover/v1/task_pb.ts';
import type { Direction, Fate } from '#test/fault-proxy/frame-fate.ts';
import type { FrameProxy } from '#test/fault-proxy/frame-proxy.ts';
import { until } from '#test/fixture/until.ts';
import { ChaosCluster } from './chaos-cluster.ts';
import { checkBacklog } from './check-backlog.ts';
import { exits, waits } from './commands.ts';
import { startBehindFrameProxy } from './frame-link.ts';
import { untilNode } from './node-contact.ts';

/** Frames of a session that are hit, one after the other: Hello or Welcome, then starts, news of them, and what was asked. */
const frames = 8;

/** How much faster time passes: a session must outlive what the machine may be late with. */
const clockRate = 5;

/** One session's fault. */
interface Plan {
  readonly direction: Direction;
  readonly fate: Fate;
}

const each = (fates: readonly Fate[]): Plan[] =>
  fates.flatMap((fate) => (['up', 'down'] as const).map((direction) => ({ direction, fate })));

/** Has the session that comes next meet its fault at frame `number`, and says whether it did. */
function inflict(proxy: FrameProxy, { direction, fate }: Plan, number: number): () => boolean {
  let fired = false;
  proxy.decide = (frame) => {
    if (fired || frame.direction !== direction || frame.number !== number) return 'pass';
    fired = true;
    return fate;
  };
  proxy.cut();
  return () => fired;
}

for (const [what, plans] of [
  ['the connection is cut at every frame and within', each(['cut-before', 'cut-within', 'cut-after'])],
  ['frames come twice, swapped, or not at all', each(['twice', 'swap', 'drop'])],
] as const) {
  test(`20: ${what}: nothing is half-applied, nothing happens twice`, async (t) => {
    const cluster = await ChaosCluster.start(t, { nodes: 0, clockRate });
    const names = plans.map((_, i) => `node${i + 1}`);
    const proxies = await Promise.all(names.map((name) => startBehindFrameProxy(t, cluster, name)));
    for (let number = 1; number <= frames; number++) {
      await t.test(`frame ${number}`, async () => {
        await Promise.all(names.map((name) => untilNode(cluster, name, NodeState.CONNECTED)));
        const fired = proxies.map((proxy, i) => inflict(proxy, plans[i] as Plan, number));
        await cluster.launch(exits(number), { count: 6, wait: true });
        const waiting = await cluster.launch(waits(0), { wait: true });
        await cluster.untilState(TaskState.RUNNING, waiting);
        await until('all are stopped', async () => {
          const running = (await cluster.tasks(waiting)).filter(({ state }) => state === TaskState.RUNNING);
          const refs = running.map(({ id }) => id);
          if (refs.length > 0) await cluster.api.tasks.stopTasks({ query: { refs } });
          return refs.length === 0;
        });
        await cluster.settle({ signals: ['SIGTERM'] });
        assert.deepEqual(
          plans.filter((_, i) => !fired[i]?.()),
          [],
        );
      });
    }
    const events = await cluster.events(['task.ended']);
    await cluster.verify();
    assert.deepEqual(checkBacklog(cluster.recorder.recorded, events), []);
  });
}
