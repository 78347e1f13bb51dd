/** What is killed, with so many tasks running, and when it has come back. */

import { setTimeout as sleep } from 'node:timers/promises';
import { SupervisorConnection } from '#agent/process/supervisor-connection.ts';
import { signalScopes } from '#agent/process/supervisor-messages.ts';
import { systemClock } from '#base/clock.ts';
import { BenchCluster } from '#bench/cluster/bench-cluster.ts';
import { findSupervisor } from '#bench/measure/process-tree.ts';
import type { Contestant } from '#bench/measure/take-turns.ts';
import { NodeState } from '#protocol/gen/drover/v1/node_pb.ts';
import { Freshness, type Task, TaskState } from '#protocol/gen/drover/v1/task_pb.ts';

const sleeper = ['/bin/sleep', '100000'] as const;

/** Tasks that are ended while nobody looks, so that it shows whether what happened meanwhile is found out. */
const endedMeanwhile = 10;

const tryAgainMs = 5;

/** How a side is entered. */
export interface SideOptions {
  /** The release's launcher. */
  readonly drover: string;
  /** Where its cluster may be. */
  readonly directory: string;
  readonly tasks: number;
}

/**
 * Seconds from the start of an agent, whose predecessor was killed, to the moment at which the controller has its session and
 * the end of every task that ended meanwhile. Afterwards all others must be live and the same processes.
 */
export async function enterAgent({ drover, directory, tasks }: SideOptions): Promise<Contestant<number>> {
  const cluster = await BenchCluster.start(drover, directory);
  await cluster.launch(sleeper, tasks);
  return {
    async measure() {
      const before = await cluster.tasksIn(TaskState.RUNNING);
      await cluster.killAgent();
      const [victims, others] = [before.slice(0, endedMeanwhile), before.slice(endedMeanwhile)];
      for (const victim of victims) process.kill(pidOf(victim), 'SIGKILL');
      const from = performance.now();
      await cluster.startAgent();
      await cluster.until(async () => {
        const node = await cluster.node();
        return node.state === NodeState.CONNECTED && node.activeTasks === others.length;
      });
      const seconds = (performance.now() - from) / 1000;
      checkAdopted(await cluster.tasksIn(TaskState.RUNNING), others);
      await cluster.launch(sleeper, victims.length);
      return seconds;
    },
    [Symbol.asyncDispose]: () => cluster[Symbol.asyncDispose](),
  };
}

function checkAdopted(after: readonly Task[], before: readonly Task[]): void {
  const pids = new Map(before.map((task) => [task.id, pidOf(task)]));
  const same = after.filter((task) => task.freshness === Freshness.LIVE && pids.get(task.id) === pidOf(task));
  if (same.length === before.length && after.length === before.length) return;
  throw new Error(`${same.length} of ${before.length} tasks were adopted`);
}

function pidOf(task: Task): number {
  return task.attempts.at(-1)?.pid ?? 0;
}

/**
 * Seconds from the death of a supervisor's server to the moment at which a new one, that the agent has started, has got an
 * answer of every monitor.
 */
export async function enterServer({ drover, directory, tasks }: SideOptions): Promise<Contestant<number>> {
  const cluster = await BenchCluster.start(drover, directory);
  await cluster.launch(sleeper, tasks);
  return {
    async measure() {
      const { server } = findSupervisor(cluster.supervisorDirectory);
      if (server === undefined) throw new Error('no server of the supervisor is running');
      const from = performance.now();
      process.kill(server, 'SIGKILL');
      using connection = await connectAgain(cluster.supervisorDirectory, server);
      const attempts = await connection.list();
      if (attempts.length !== tasks) throw new Error(`${attempts.length} of ${tasks} attempts were found`);
      await Promise.all(attempts.map(({ id }) => lookAt(connection, id)));
      return (performance.now() - from) / 1000;
    },
    [Symbol.asyncDispose]: () => cluster[Symbol.asyncDispose](),
  };
}

/** Connects to the server that comes after that one. */
async function connectAgain(directory: string, dead: number): Promise<SupervisorConnection> {
  for (;;) {
    try {
      const { connection, server } = await SupervisorConnection.open(directory, systemClock, () => {});
      if (server.pid !== dead) return connection;
      connection[Symbol.dispose]();
    } catch {
      // Not yet.
    }
    await sleep(tryAgainMs);
  }
}

/** The supervisor has a signal delivered by the monitor, so its answer is the monitor's. */
async function lookAt(connection: SupervisorConnection, id: string): Promise<void> {
  const { pid } = await connection.request(
    'signal',
    { id, signal: 0, scope: signalScopes.leader },
    'signaled',
  );
  if (pid === 0) throw new Error(`attempt ${id} has no process`);
}
