/**
 * How long a copy takes with `drover cp`, from the command's start to its end with every file synced in its place, against the same
 * bytes through bare TLS sockets, which are thrown away where they arrive. Content is new each time: nothing is in any cache. Everything
 * is on this machine, so that the bytes of N nodes are hashed, encrypted and written by the same processors.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { unpackRelease } from '#bench/cluster/release.ts';
import { readBenchOptions } from '#bench/measure/options.ts';
import { median, spread } from '#bench/measure/statistics.ts';
import { type Entry, takeTurns } from '#bench/measure/take-turns.ts';
import { enterBareTls, enterCopy, enterManyFiles } from './contestants.ts';
import { CopyCluster } from './copy-cluster.ts';

const { quick, rounds } = readBenchOptions();
const megabyte = 1 << 20;
const fanOuts = quick ? [1, 2] : [1, 10, 50];
const fileBytes = 10 * megabyte;
const streamBytes = (quick ? 20 : 500) * megabyte;
const manyFiles = quick ? 100 : 10_000;

const directory = mkdtempSync(join(tmpdir(), 'drover-bench-'));
try {
  using release = unpackRelease();
  await using cluster = await CopyCluster.start(release.drover, directory, Math.max(...fanOuts));
  console.log(`copy: milliseconds, median of ${rounds} rounds (min–max); files in ${directory}\n`);
  for (const nodes of fanOuts) {
    const copy = { cluster, directory, nodes, bytes: fileBytes };
    print(
      `${fileBytes / megabyte} MB to ${nodes}`,
      await takeTurns<number>(
        {
          'bare TLS': () => enterBareTls(nodes, fileBytes),
          'drover cp': async () => enterCopy(copy),
        },
        rounds,
      ),
    );
  }
  const stream = { cluster, directory, nodes: 1, bytes: streamBytes };
  print(
    `one stream, ${streamBytes / megabyte} MB to 1`,
    await takeTurns<number>(
      {
        'bare TLS': () => enterBareTls(1, streamBytes),
        'drover cp': async () => enterCopy(stream),
      },
      rounds,
    ),
  );
  print(
    `${manyFiles} files of 1 KB to 1`,
    await takeTurns<number>(
      { 'drover cp -r': async () => enterManyFiles(cluster, directory, manyFiles) },
      rounds,
    ),
  );
} finally {
  rmSync(directory, { recursive: true, force: true });
}

function print(title: string, entries: readonly Entry<number>[]): void {
  console.log(title);
  const [bare = Number.NaN] = entries.map(medianOf);
  for (const entry of entries) {
    const done = 'rounds' in entry ? entry.rounds : [];
    const ratio = entries.length > 1 ? `${(bare / medianOf(entry)).toFixed(2)} of bare TLS` : '';
    console.log(`  ${entry.name.padEnd(16)} ${spread(done).padEnd(24)} ${ratio}`.trimEnd());
  }
}

function medianOf(entry: Entry<number>): number {
  return 'rounds' in entry ? median(entry.rounds) : Number.NaN;
}
