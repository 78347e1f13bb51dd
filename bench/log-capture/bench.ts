/**
 * A process that writes 1 GB in lines of 100 bytes, buffered and line by line, as a task: the time that its writing takes,
 * against the same with its output in a file (`cmd > file`), with the default quota and without one; what its agent uses meanwhile; and
 * what the quota keeps of it. Whoever holds a file to a quota has the kernel free its pages, during which its writer waits: a file that
 * a bare program holds to the same quota shows how much of the time that is. Files go to TMPDIR: on a disk all sides mostly wait for it.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { BenchCluster } from '#bench/cluster/bench-cluster.ts';
import { unpackRelease } from '#bench/cluster/release.ts';
import { readBenchOptions } from '#bench/measure/options.ts';
import { median, spread } from '#bench/measure/statistics.ts';
import { type Entry, takeTurns } from '#bench/measure/take-turns.ts';
import { enterFile, enterTask, type Measured } from './contestants.ts';
import { bufferedLines, buildHolePuncher, buildLineWriter } from './programs.ts';

const { quick, rounds } = readBenchOptions();
const bytes = quick ? 10e6 : 1e9;
const withoutQuota = ['--log-quota', '2g', '--log-node-quota', '3g'];

const directory = mkdtempSync(join(tmpdir(), 'drover-bench-'));
try {
  using release = unpackRelease();
  await using cluster = await BenchCluster.start(release.drover, join(directory, 'cluster'));
  await using roomy = await BenchCluster.start(release.drover, join(directory, 'roomy'), withoutQuota);
  const [writer, puncher] = [buildLineWriter(directory), buildHolePuncher(directory)];
  const ways = { buffered: bufferedLines, unbuffered: 1 };
  const sides = Object.entries(ways).map(([way, linesPerWrite]) => {
    const writing = { writer, bytes, linesPerWrite };
    return {
      [`${way}, cmd > file`]: async () => enterFile(directory, writing),
      [`${way}, task without a quota`]: async () => enterTask(roomy, writing),
      [`${way}, file with holes`]: async () => enterFile(directory, writing, puncher),
      [`${way}, task`]: async () => enterTask(cluster, writing),
    };
  });
  const entries = await takeTurns<Measured>(Object.assign({}, ...sides), rounds);
  print(entries);
} finally {
  rmSync(directory, { recursive: true, force: true });
}

function print(entries: readonly Entry<Measured>[]): void {
  console.log(
    `log-capture: seconds to write ${bytes / 1e6} MB of lines of 100 bytes, median of ${rounds} rounds (min–max)\n`,
  );
  let file = Number.NaN;
  for (const entry of entries) {
    const done = 'rounds' in entry ? entry.rounds : [];
    const seconds = done.map((measured) => measured.seconds);
    if (entry.name.endsWith('cmd > file')) file = median(seconds);
    const ratio = (median(seconds) / file).toFixed(2);
    console.log(`${entry.name.padEnd(34)} ${spread(seconds, 3).padEnd(22)} ${ratio} × cmd > file`);
    const used = done.flatMap(({ agentCpuSeconds }) => agentCpuSeconds ?? []);
    const kept = done.flatMap(({ kept: disk }) => disk ?? []);
    if (used.length === 0) continue;
    const cpu = used.map((s) => (s * 1e3 * 1e8) / bytes);
    console.log(`${'  agent'.padEnd(34)} ${spread(cpu)} ms of CPU per 100 MB`);
    const most = kept.map(({ most: size }) => size / 2 ** 20);
    const atEnd = kept.map(({ atEnd: size }) => size / 2 ** 20);
    console.log(
      `${'  output'.padEnd(34)} ${spread(atEnd)} MiB on the disk at the end, ${spread(most)} at the most`,
    );
  }
}
