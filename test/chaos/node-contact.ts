/** How the controller stands to its nodes, as tests ask for it. */
import { setTimeout as sleep } from 'node:timers/promises';
import { nodeStateWord, unreachableAfterMs } from '#core/liveness.ts';
import type { NodeState } from '#protocol/gen/drover/v1/node_pb.ts';
import { Freshness, TaskState } from '#protocol/gen/drover/v1/task_pb.ts';
import { until } from '#test/fixture/until.ts';
import type { ChaosCluster } from './chaos-cluster.ts';
import { rate } from './pace.ts';
import { isAlive } from './processes.ts';

/** How soon a side must notice that the other is gone: three heartbeats' intervals of a small cluster and 5 s, of daemons' time. */
export const noticeMs = unreachableAfterMs(5_000);

/** No node is judged so soon after the controller's start, of daemons' time. */
export const graceMs = 60_000;

/** Longest wait for a state: real time, for what takes five minutes of the daemons'. */
const giveUpMs = 30_000 + 400_000 / rate;

/** Waits until the node is in that state. */
export async function untilNode(cluster: ChaosCluster, name: string, wanted: NodeState): Promise<void> {
  const isThere = async () => (await cluster.api.nodes.getNode({ name })).state === wanted;
  await until(`${name} is ${nodeStateWord(wanted)}`, isThere, giveUpMs);
}

/** Waits until these tasks, by default all, run and the controller hears of them. */
export async function untilLive(cluster: ChaosCluster, ids = cluster.taskIds): Promise<void> {
  await until('all run, live', async () => {
    const tasks = await cluster.tasks(ids);
    return tasks.every(({ state, freshness }) => state === TaskState.RUNNING && freshness === Freshness.LIVE);
  });
}

/** Process ids of the first attempts of these tasks, by default of all, which must be alive. */
export async function livePids(cluster: ChaosCluster, ids = cluster.taskIds): Promise<number[]> {
  const pids = (await cluster.tasks(ids)).map(({ attempts }) => attempts[0]?.pid ?? 0);
  const dead = pids.filter((pid) => !isAlive(pid));
  if (dead.length > 0) throw new Error(`not alive any more: ${dead}`);
  return pids;
}

/** Stops a process by SIGSTOP for so long, real time, and lets it go on. Meanwhile `during`. */
export async function freeze(
  { pid = 0 }: { pid?: number | undefined },
  ms: number,
  during = async () => {},
): Promise<void> {
  process.kill(pid, 'SIGSTOP');
  try {
    await Promise.all([sleep(ms), during()]);
  } finally {
    process.kill(pid, 'SIGCONT');
  }
}
