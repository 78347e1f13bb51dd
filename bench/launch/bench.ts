/**
 * Two thousand `/bin/true` on one node, output to two files each, exact exit and usage: the agent's side of Drover against
 * a C loop of posix_spawn and wait4 (the limit) and against child_process.spawn. Contestants take turns; medians.
 */
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { launchByAgent } from './agent-side.ts';
import { launchByChildProcess } from './child-process.ts';
import type { Measured } from './measured.ts';

const count = 2_000;
const inFlight = 64;
const rounds = 5;

const directory = mkdtempSync(join(tmpdir(), 'drover-bench-'));
try {
  const loop = join(directory, 'spawn-loop');
  execFileSync('cc', ['-O2', '-o', loop, join(import.meta.dirname, 'spawn-loop.c')]);
  const contestants = {
    'C loop': async (place: string) =>
      parse(execFileSync(loop, [place, `${count}`, `${inFlight}`], { encoding: 'utf8' })),
    drover: (place: string) => launchByAgent(place, count),
    child_process: (place: string) => launchByChildProcess(place, count, inFlight),
  };
  const results = new Map<string, Measured[]>(Object.keys(contestants).map((name) => [name, []]));
  for (let round = 0; round <= rounds; round++) {
    for (const [name, launch] of Object.entries(contestants)) {
      const place = join(directory, `${round}-${name.replace(' ', '-')}`);
      mkdirSync(place);
      const measured = await launch(place);
      if (round > 0) results.get(name)?.push(measured); // the first warms up
      rmSync(place, { recursive: true, force: true });
    }
  }
  print(results);
} finally {
  rmSync(directory, { recursive: true, force: true });
}

function parse(text: string): Measured {
  const [launches = 0, seconds = 0, cpuSeconds = 0] = text.trim().split(' ').map(Number);
  return { launches, seconds, cpuSeconds };
}

function print(results: ReadonlyMap<string, readonly Measured[]>): void {
  const limit = median((results.get('C loop') ?? []).map(rate));
  console.log(`launch: ${count} × /bin/true, ${inFlight} in flight, median of ${rounds} rounds (min–max)\n`);
  for (const [name, measured] of results) {
    const rates = measured.map(rate);
    const cpu = median(measured.map((one) => ((one.cpuSeconds ?? Number.NaN) / one.launches) * 1000));
    const spread = `${Math.min(...rates).toFixed(0)}–${Math.max(...rates).toFixed(0)}`;
    const shownCpu = Number.isNaN(cpu) ? '' : `${cpu.toFixed(2)} ms cpu a launch`;
    const ratio = (median(rates) / limit).toFixed(2);
    console.log(
      `${name.padEnd(14)} ${median(rates).toFixed(0).padStart(5)}/s (${spread})  ${ratio} of the C loop  ${shownCpu}`,
    );
  }
}

function rate({ launches, seconds }: Measured): number {
  return launches / seconds;
}

function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? 0;
}
