/**
 * A command of a node as a part of our own pipeline, and a terminal on it: `… | drover exec -i -- cat` with 1 GB against `… | cat`,
 * with what everybody grows by meanwhile; and the time from a key to its echo at `drover exec -it -- cat`, against `cat` at a terminal
 * of this machine.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { BenchCluster, nodeName } from '#bench/cluster/bench-cluster.ts';
import { unpackRelease } from '#bench/cluster/release.ts';
import { buildLineWriter } from '#bench/log-capture/programs.ts';
import { readBenchOptions } from '#bench/measure/options.ts';
import { median, spread } from '#bench/measure/statistics.ts';
import { type Entry, takeTurns } from '#bench/measure/take-turns.ts';
import { type Carried, enterPipe } from './pipe.ts';
import { type Echoed, enterTyping } from './typing.ts';

const { quick, rounds } = readBenchOptions();
const bytes = quick ? 10e6 : 1e9;
const keys = quick ? 20 : 200;

const directory = mkdtempSync(join(tmpdir(), 'drover-bench-'));
try {
  using release = unpackRelease();
  await using cluster = await BenchCluster.start(release.drover, join(directory, 'cluster'));
  const exec = `${release.drover} exec --data ${cluster.controllerDirectory}`;
  const carrying = { writer: buildLineWriter(directory), bytes };
  const carried = await takeTurns<Carried>(
    {
      cat: async () => enterPipe('cat', carrying, {}),
      'drover exec -i -- cat': async () => enterPipe(`${exec} -i ${nodeName} -- cat`, carrying, cluster.pids),
    },
    rounds,
  );
  printCarried(carried);
  const echoed = await takeTurns<Echoed>(
    {
      cat: () => enterTyping('cat', keys),
      'drover exec -it -- cat': () => enterTyping(`${exec} -it ${nodeName} -- cat`, keys),
    },
    rounds,
  );
  printEchoed(echoed);
} finally {
  rmSync(directory, { recursive: true, force: true });
}

function printCarried(entries: readonly Entry<Carried>[]): void {
  console.log(`exec: ${bytes / 1e6} MB through it, MB/s, median of ${rounds} rounds (min–max)\n`);
  let bare = Number.NaN;
  for (const entry of entries) {
    const done = 'rounds' in entry ? entry.rounds : [];
    const rates = done.map(({ seconds }) => bytes / 1e6 / seconds);
    if (entry === entries[0]) bare = median(rates);
    console.log(
      `${entry.name.padEnd(26)} ${spread(rates).padEnd(20)} ${(median(rates) / bare).toFixed(3)} of cat's`,
    );
    for (const part of Object.keys(done[0]?.parts ?? {})) {
      const cpu = median(done.map(({ parts }) => parts[part]?.cpuSeconds ?? 0));
      const grown = median(done.map(({ parts }) => parts[part]?.grown ?? 0)) / 2 ** 20;
      const ms = (cpu * 1e11) / bytes;
      console.log(
        `  ${part.padEnd(24)} ${ms.toFixed(0)} ms of CPU per 100 MB, grew by ${grown.toFixed(0)} MiB at the most`,
      );
    }
  }
}

function printEchoed(entries: readonly Entry<Echoed>[]): void {
  console.log(`\nexec: ms from a key to its echo, ${keys} keys, median of ${rounds} rounds (min–max)\n`);
  for (const entry of entries) {
    const done = 'rounds' in entry ? entry.rounds : [];
    const p50 = spread(
      done.map((echoed) => echoed.p50Ms),
      2,
    );
    const p99 = spread(
      done.map((echoed) => echoed.p99Ms),
      2,
    );
    console.log(`${entry.name.padEnd(26)} p50 ${p50.padEnd(20)} p99 ${p99}`);
  }
}
