/** One round of random faults on a cluster under random load, and the check of what must hold after it. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Failpoint } from '#base/failpoint.ts';
import { RestartMode } from '#protocol/gen/drover/v1/task_pb.ts';
import { type ChaosCluster, killDaemon } from './chaos-cluster.ts';
import type { Allowed } from './check-history.ts';
import { type ChaosCommand, exits, shell, waits, writes } from './commands.ts';
import { type PlannedFault, type PlannedLoad, planRound, type Round, randomOf } from './plan-round.ts';
import { isAlive, killAll } from './processes.ts';

/** How long an armed daemon may run without coming to its failpoint before it is killed from outside. */
const patienceMs = 1_000;

const commands: Readonly<Record<PlannedLoad['kind'], (code: number) => ChaosCommand>> = {
  exits,
  waits,
  restarts: (code) => exits(code || 1),
  writes: (code) => writes(200, code),
  forks: (code) =>
    shell(['sleep 0.3 &', '(setsid sleep 0.2 &)', 'echo forked', 'wait', `exit ${code}`], code, 'forked\n'),
};

/** Three attempts. */
const restarted = { restart: { mode: RestartMode.ON_FAILURE, max: 2, backoffMs: 50n } };

/** Does what `seed` plans on a cluster whose daemons run; when it resolves they run again, and all is checked. */
export async function runRound(cluster: ChaosCluster, seed: number): Promise<void> {
  const round = planRound(seed);
  await cluster.closeGate();
  await Promise.all([launchAll(cluster, round), inflictAll(cluster, round, randomOf(seed))]);
  await cluster.gate.open();
  await cluster.settle(allowedAfter(round));
}

/**
 * Who forks a task can die before that, and who would have another do it can die with it: then it did not start, and that is said.
 * A monitor has the server's name until it has given itself its own, and is killed with it.
 */
function allowedAfter({ faults }: Round): Allowed {
  const died = new Set(faults.map(({ victim }) => victim));
  return {
    ...((died.has('monitors') || died.has('node')) && { unknown: /^(monitor lost|start interrupted)$/ }),
    ...((died.has('server') || died.has('node')) && { notStarted: /^monitor: no such process$/ }),
  };
}

async function launchAll(cluster: ChaosCluster, { loads }: Round): Promise<void> {
  const launches: Promise<unknown>[] = [];
  for (const { kind, count, code, afterMs } of loads) {
    await sleep(afterMs);
    launches.push(
      cluster.launch(commands[kind](code), { count, ...(kind === 'restarts' && { spec: restarted }) }),
    );
  }
  await Promise.all(launches);
}

async function inflictAll(cluster: ChaosCluster, { faults }: Round, random: () => number): Promise<void> {
  for (const fault of faults) {
    await sleep(fault.afterMs);
    await inflict(cluster, fault, random);
  }
}

async function inflict(cluster: ChaosCluster, fault: PlannedFault, random: () => number): Promise<void> {
  switch (fault.victim) {
    case 'agent':
      await killDaemon(cluster.agent());
      return cluster.startAgent();
    case 'controller':
      await killDaemon(cluster.controller);
      return cluster.startController();
    case 'server':
      return killAll(cluster.serverPids());
    case 'monitors':
      return killAll(cluster.monitorPids());
    case 'node': {
      const agent = cluster.agent().pid ?? 0;
      const everybody = [agent, ...cluster.serverPids(), ...cluster.monitorPids()];
      killAll(shuffled(everybody, random));
      await cluster.agent().ended;
      return cluster.startAgent();
    }
    default:
      return inflictAt(cluster, fault.victim, fault.times);
  }
}

/** Starts the daemon anew with the failpoint armed, and again without once it has died. */
async function inflictAt(cluster: ChaosCluster, point: Failpoint, times: number): Promise<void> {
  const isAgent = point.startsWith('agent.');
  await killDaemon(isAgent ? cluster.agent() : cluster.controller);
  const armed = `${point}=kill@${times}`;
  const daemon = isAgent ? await cluster.spawnAgent('node1', armed) : cluster.spawnController(armed);
  await Promise.race([daemon.ended, sleep(patienceMs)]);
  if (isAlive(daemon.pid ?? 0)) killAll([daemon.pid ?? 0]);
  await daemon.ended;
  await (isAgent ? cluster.startAgent() : cluster.startController());
}

function shuffled<T>(items: readonly T[], random: () => number): T[] {
  return items
    .map((item) => [random(), item] as const)
    .sort(([a], [b]) => a - b)
    .map(([, item]) => item);
}
