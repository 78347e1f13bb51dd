/**
 * A process that writes 1 GB of 100-byte lines, and somebody who follows it: bytes a second, CPU of each part, and by how much agent
 * and controller grow meanwhile. `drover` over agent and controller, against tail(1) on the file, and against the same three processes
 * with nothing but HTTP/2 over TLS between them. Then a follower who stands still: what he costs, and what he is told.
 */
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { BenchCluster } from '#bench/cluster/bench-cluster.ts';
import { unpackRelease } from '#bench/cluster/release.ts';
import { buildLineWriter } from '#bench/log-capture/programs.ts';
import { readBenchOptions } from '#bench/measure/options.ts';
import { median, spread } from '#bench/measure/statistics.ts';
import { type Entry, takeTurns } from '#bench/measure/take-turns.ts';
import { enterRelay, enterTail } from './bare.ts';
import { enterFollow, enterRead, enterRun } from './drover.ts';
import type { Measured } from './measured.ts';
import { printStall } from './stall.ts';

const { quick, rounds } = readBenchOptions();
const bytes = quick ? 10e6 : 1e9;
/** So much that a follower loses nothing, whatever the quota. */
const roomy = ['--log-quota', '2g', '--log-node-quota', '3g'];

const directory = mkdtempSync(join(tmpdir(), 'drover-bench-'));
try {
  using release = unpackRelease();
  const { drover, node } = release;
  const writing = { writer: buildLineWriter(directory), bytes };
  const place = (name: string) => {
    const path = join(directory, name);
    mkdirSync(path);
    return path;
  };
  {
    await using cluster = await BenchCluster.start(drover, place('cluster'), roomy);
    const sides = { drover, cluster, writing };
    const entries = await takeTurns<Measured>(
      {
        'tail -f | cat': async () => enterTail(place('tail'), writing),
        'bare HTTP/2 relay': () => enterRelay(node, place('relay'), writing),
        'drover logs -f --raw --stdout': async () => enterFollow(sides, ['--stdout']),
        'drover logs -f --raw': async () => enterFollow(sides, []),
        'drover run --raw': async () => enterRun(sides),
        'drover logs --raw --stdout': async () => enterRead(sides),
      },
      rounds,
    );
    print(entries);
  }
  await printStall(drover, place('stall'), writing);
} finally {
  rmSync(directory, { recursive: true, force: true });
}

function print(entries: readonly Entry<Measured>[]): void {
  console.log(
    `log-follow: ${bytes / 1e6} MB of lines of 100 bytes, MB/s, median of ${rounds} rounds (min–max)\n`,
  );
  const [tail = Number.NaN, relay = Number.NaN] = entries.map((entry) => median(roundsOf(entry).map(rate)));
  for (const entry of entries) {
    const done = roundsOf(entry);
    const own = median(done.map(rate));
    const ratios = `${(own / tail).toFixed(2)} of tail's, ${(own / relay).toFixed(2)} of the bare relay's`;
    console.log(`${entry.name.padEnd(30)} ${spread(done.map(rate)).padEnd(18)} ${ratios}`);
    for (const part of Object.keys(done[0]?.parts ?? {})) {
      const used = done.map(({ parts }) => (parts[part]?.cpuSeconds ?? 0) * 1e3);
      const grown = done.flatMap(({ parts }) => parts[part]?.grown ?? []);
      const by = grown.length > 0 ? `, grew by ${mebibytes(median(grown))} MiB at the most` : '';
      console.log(
        `  ${part.padEnd(28)} ${((median(used) * 1e8) / bytes).toFixed(0)} ms of CPU per 100 MB${by}`,
      );
    }
  }
}

function roundsOf(entry: Entry<Measured>): readonly Measured[] {
  return 'rounds' in entry ? entry.rounds : [];
}

function rate(measured: Measured): number {
  return measured.bytes / 1e6 / measured.seconds;
}

function mebibytes(size: number): string {
  return (size / 2 ** 20).toFixed(0);
}
