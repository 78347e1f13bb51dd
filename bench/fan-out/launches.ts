/** The sides of this measurement that are Drover: one command to every agent of a fleet, until all its answers are on disk and acknowledged. */
import { setTimeout as sleep } from 'node:timers/promises';
import { v7 as uuid } from 'uuid';
import type { FleetCluster } from '#bench/fleet/fleet-cluster.ts';
import { cpuSecondsOf } from '#bench/measure/process-tree.ts';
import type { Contestant } from '#bench/measure/take-turns.ts';
import { TaskState } from '#protocol/gen/drover/v1/task_pb.ts';
import { type Measured, measureFanOuts } from './measured.ts';

/** The fleet is asked so often whether its ends are acknowledged; the controller is not asked at all. */
const askAgainMs = 2;

/** Launches `argv` on every agent, `times` in a row. */
export function enterLaunches(
  cluster: FleetCluster,
  argv: readonly string[],
  times: number,
): Contestant<Measured> {
  let settled = 0;
  return {
    async measure() {
      const { fleet, connection, controllerPid } = cluster;
      const agents = cluster.nodes.length;
      return await measureFanOuts(
        times,
        agents,
        () => cpuSecondsOf([controllerPid]),
        async () => {
          await connection.runs.createRun({ id: uuid(), nodes: '@all', spec: { argv: [...argv] } });
          settled += agents;
          while ((await fleet.status()).settled < settled) await sleep(askAgainMs);
        },
      );
    },
    [Symbol.asyncDispose]: async () => {},
  };
}

/** Asks every agent what its one task uses, `times` in a row: a question that no store has a part in but to find the tasks. */
export async function enterQuestions(cluster: FleetCluster, times: number): Promise<Contestant<Measured>> {
  const { connection } = cluster;
  const agents = cluster.nodes.length;
  const id = uuid();
  await connection.runs.createRun({ id, nodes: '@all', spec: { argv: ['sim', 'after=never'] } });
  const begun = { query: { runId: id, states: [TaskState.PENDING, TaskState.STARTING] }, pageSize: 1 };
  while ((await connection.tasks.listTasks(begun)).tasks.length > 0) await sleep(askAgainMs);
  return {
    measure: () =>
      measureFanOuts(
        times,
        agents,
        () => cpuSecondsOf([cluster.controllerPid]),
        async () => {
          const { samples } = await connection.tasks.sampleTasks({ query: { runId: id } });
          if (samples.length !== agents)
            throw new Error(`${samples.length} of ${agents} agents have answered`);
        },
      ),
    [Symbol.asyncDispose]: async () => {},
  };
}
