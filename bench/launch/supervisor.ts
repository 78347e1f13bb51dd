/** Launches by Supervisor: it starts a whole group at once, the fastest way that it has. */
import { setTimeout as sleep } from 'node:timers/promises';
import { cpuSecondsOf } from '#bench/measure/process-tree.ts';
import type { Contestant } from '#bench/measure/take-turns.ts';
import { startSupervisord } from '#bench/peers/supervisord.ts';
import { type Measured, measureLaunches } from './measured.ts';

/** Rarely enough to cost it next to nothing. */
const askAgainMs = 20;

/** @throws SkippedError where it is not installed. */
export async function enterSupervisor(directory: string, count: number): Promise<Contestant<Measured>> {
  const supervisord = await startSupervisord(directory, '/bin/true', count);
  const launchAll = async () => {
    await supervisord.call('startProcessGroup', 't', false);
    while (!(await haveEnded())) await sleep(askAgainMs);
  };
  const haveEnded = async () => {
    const states = await supervisord.call('getAllProcessInfo');
    return states.split('<string>EXITED</string>').length - 1 === count;
  };
  return {
    measure: () => measureLaunches(count, () => cpuSecondsOf([supervisord.pid]), launchAll),
    [Symbol.asyncDispose]: () => supervisord[Symbol.asyncDispose](),
  };
}
