/**
 * Two thousand `/bin/true` on one node, output to two files each, exact exit and usage: the agent's side of Drover against
 * a C loop of posix_spawn and wait4 (the limit), child_process.spawn, Supervisor and PM2. All but the loop are long-lived and
 * warm; the slow ones launch fewer.
 */
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { readBenchOptions } from '#bench/measure/options.ts';
import { median, spread } from '#bench/measure/statistics.ts';
import { type Contestant, type Entry, takeTurns } from '#bench/measure/take-turns.ts';
import { startWorker } from '#bench/measure/worker.ts';
import { checkPm2 } from '#bench/peers/pm2.ts';
import { enterLoop } from './c-loop.ts';
import type { Measured } from './measured.ts';
import { enterSupervisor } from './supervisor.ts';

const { quick, rounds } = readBenchOptions();
const count = quick ? 50 : 2_000;
const peerCount = quick ? 20 : 500;
const inFlight = 64;

const directory = mkdtempSync(join(tmpdir(), 'drover-bench-'));
try {
  const worker = (program: string, ...args: string[]) =>
    startWorker<Measured>(join(import.meta.dirname, program), ...args);
  const entries = await takeTurns<Measured>(
    {
      'C loop': () => enterLoop(placeFor('loop'), count, inFlight),
      drover: () => worker('agent-worker.ts', placeFor('agent'), `${count}`),
      child_process: () => worker('child-process-worker.ts', placeFor('node'), `${count}`, `${inFlight}`),
      Supervisor: () => enterSupervisor(placeFor('supervisor'), peerCount),
      PM2: async () => {
        checkPm2();
        return await worker('pm2-worker.ts', placeFor('pm2'), `${peerCount}`, `${inFlight}`);
      },
    } satisfies Record<string, () => Promise<Contestant<Measured>>>,
    rounds,
  );
  print(entries);
} finally {
  rmSync(directory, { recursive: true, force: true });
}

function placeFor(name: string): string {
  const place = join(directory, name);
  mkdirSync(place);
  return place;
}

function print(entries: readonly Entry<Measured>[]): void {
  const [loop, drover] = entries.map(medians);
  console.log(
    `launch: ${count} × /bin/true (peers ${peerCount}), ${inFlight} in flight, median of ${rounds} rounds (min–max)\n`,
  );
  for (const entry of entries) {
    const name = entry.name.padEnd(14);
    if ('skipped' in entry) {
      console.log(`${name} skipped: ${entry.skipped}`);
      continue;
    }
    const rates = `${spread(entry.rounds.map(rate))}/s`.padEnd(20);
    const own = medians(entry);
    const ratios = [
      `${(own.rate / (loop?.rate ?? Number.NaN)).toFixed(2)} of the C loop`,
      `${own.cpuMs.toFixed(2)} ms CPU a launch, ${(own.cpuMs / (loop?.cpuMs ?? Number.NaN)).toFixed(2)} × the loop's`,
      `drover is ${((drover?.rate ?? Number.NaN) / own.rate).toFixed(2)} × as fast`,
    ];
    console.log(`${name} ${rates}  ${ratios.join('  ')}`);
  }
}

function medians(entry: Entry<Measured>): { rate: number; cpuMs: number } {
  const done = 'rounds' in entry ? entry.rounds : [];
  const cpuMs = done.map(({ cpuSeconds, launches }) => (cpuSeconds / launches) * 1000);
  return { rate: median(done.map(rate)), cpuMs: median(cpuMs) };
}

function rate({ launches, seconds }: Measured): number {
  return launches / seconds;
}
