/** Launches by Supervisor: it starts a whole group at once, the fastest way that it has. */
import { setTimeout as sleep } from 'node:timers/promises';
import { cpuSecondsOf, pidsOfTrees } from '#bench/measure/process-tree.ts';
import type { Contestant } from '#bench/measure/take-turns.ts';
import { startSupervisord } from '#bench/peers/supervisord.ts';
import { type Measured, measureLaunches } from './measured.ts';

const askAgainMs = 5;

/** @throws SkippedError where it is not installed. */
export async function enterSupervisor(directory: string, count: number): Promise<Contestant<Measured>> {
  const supervisord = await startSupervisord({
    directory,
    command: '/bin/true',
    processes: count,
    atOnce: 0,
  });
  const roots = [supervisord.pid];
  const launchAll = async () => {
    await supervisord.call('startProcessGroup', 't', false);
    // Until it has reaped the last: asking it for 500 states would be more work than starting them.
    while (pidsOfTrees(roots).length > 1) await sleep(askAgainMs);
  };
  return {
    async measure() {
      const measured = await measureLaunches(count, () => cpuSecondsOf(roots), launchAll);
      const states = await supervisord.call('getAllProcessInfo');
      const exited = states.split('<string>EXITED</string>').length - 1;
      if (exited !== count) throw new Error(`${exited} of ${count} processes of Supervisor have exited`);
      return measured;
    },
    [Symbol.asyncDispose]: () => supervisord[Symbol.asyncDispose](),
  };
}
