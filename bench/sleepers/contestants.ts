/** The sides of the comparison. Each starts its daemons anew in each round, since memory is what their life leaves behind. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { BenchCluster } from '#bench/cluster/bench-cluster.ts';
import { findSupervisor } from '#bench/measure/process-tree.ts';
import { type Contestant, inPlaces } from '#bench/measure/take-turns.ts';
import { startWorker } from '#bench/measure/worker.ts';
import { checkPm2 } from '#bench/peers/pm2.ts';
import { checkSupervisord, startSupervisord } from '#bench/peers/supervisord.ts';
import { type Measured, measureMemory, sleeper } from './measured.ts';

/** How a side is entered. */
export interface SideOptions {
  /** Where it may put things. */
  readonly directory: string;
  readonly tasks: number;
}

/** Drover. @param drover the release's launcher. */
export function enterDrover(drover: string, { directory, tasks }: SideOptions): Contestant<Measured> {
  return inPlaces(directory, async (place) => {
    await using cluster = await BenchCluster.start(drover, place);
    // One that has just joined has loaded what only joining needs, which a node does once.
    await cluster.restartAgent();
    const parts = () => {
      const { server = 0, monitors } = findSupervisor(cluster.supervisorDirectory);
      return { agent: [cluster.agentPid], supervisor: [server], monitors };
    };
    const start = () => cluster.launch(sleeper, tasks);
    return await measureMemory(tasks, { parts, roots: () => parts().monitors, start });
  });
}

/** The tasks and nobody who keeps them. */
export function enterBare({ directory, tasks }: SideOptions): Contestant<Measured> {
  return inPlaces(directory, async () => {
    const script = `i=0; while [ $i -lt ${tasks} ]; do ${sleeper.join(' ')} & i=$((i+1)); done; wait`;
    const shell = spawn('/bin/sh', ['-c', `read go; ${script}`], {
      stdio: ['pipe', 'ignore', 'ignore'],
      detached: true,
    });
    const group = shell.pid ?? 0;
    try {
      const start = async () => void shell.stdin.end('go\n');
      return await measureMemory(tasks, { parts: () => ({}), roots: () => [group], start });
    } finally {
      process.kill(-group, 'SIGKILL');
      await once(shell, 'exit');
    }
  });
}

/** Supervisor. @throws SkippedError where it is not installed. */
export function enterSupervisor({ directory, tasks }: SideOptions): Contestant<Measured> {
  checkSupervisord();
  return inPlaces(directory, async (place) => {
    const command = sleeper.join(' ');
    const options = { directory: place, command, processes: tasks, atOnce: tasks };
    await using supervisord = await startSupervisord(options);
    const daemon = [supervisord.pid];
    const start = async () => void (await supervisord.call('startProcessGroup', 't', false));
    return await measureMemory(tasks, { parts: () => ({ daemon }), roots: () => daemon, start });
  });
}

/** PM2. @throws SkippedError where it is not installed. */
export function enterPm2({ directory, tasks }: SideOptions): Contestant<Measured> {
  checkPm2();
  const program = join(import.meta.dirname, 'pm2-worker.ts');
  return inPlaces(directory, async (place) => {
    await using worker = await startWorker<Measured>(program, place, `${tasks}`);
    return await worker.measure();
  });
}
