/**
 * Following a process that writes 1 GB of 100-byte lines with `drover logs -f --raw > /dev/null`, against `tail -f` on its
 * file: bytes a second, CPU, and by how much agent and controller grow meanwhile.
 */
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { unpackRelease } from '#bench/cluster/release.ts';
import { buildLineWriter } from '#bench/log-capture/line-writer.ts';
import { readBenchOptions } from '#bench/measure/options.ts';
import { median, spread } from '#bench/measure/statistics.ts';
import { type Entry, takeTurns } from '#bench/measure/take-turns.ts';
import { enterLogs, enterTail, type Measured } from './contestants.ts';

const { quick, rounds } = readBenchOptions();
const bytes = quick ? 10e6 : 1e9;

const directory = mkdtempSync(join(tmpdir(), 'drover-bench-'));
try {
  using release = unpackRelease();
  const { drover } = release;
  const writing = { writer: buildLineWriter(directory), bytes };
  const place = (name: string) => {
    const path = join(directory, name);
    mkdirSync(path);
    return path;
  };
  const entries = await takeTurns<Measured>(
    {
      'tail -f': async () => enterTail(place('tail'), writing),
      'drover logs -f --raw': () => enterLogs(drover, place('logs'), writing),
    },
    rounds,
  );
  print(entries);
} finally {
  rmSync(directory, { recursive: true, force: true });
}

function print(entries: readonly Entry<Measured>[]): void {
  console.log(
    `log-follow: ${bytes / 1e6} MB of lines of 100 bytes, MB/s, median of ${rounds} rounds (min–max)\n`,
  );
  const [tail = Number.NaN] = entries.map((entry) => median(roundsOf(entry).map(rate)));
  for (const entry of entries) {
    const done = roundsOf(entry);
    const ratio = (median(done.map(rate)) / tail).toFixed(2);
    console.log(`${entry.name.padEnd(22)} ${spread(done.map(rate)).padEnd(18)} ${ratio} of tail's`);
    for (const part of ['agent', 'controller']) {
      const used = done.flatMap(({ cpu }) => cpu[part] ?? []);
      const grown = done.flatMap(({ grown: by }) => by[part] ?? []);
      if (used.length === 0) continue;
      const ms = (median(used) * 1e3 * 1e8) / bytes;
      console.log(
        `  ${part.padEnd(12)} ${ms.toFixed(0)} ms CPU a 100 MB, grew by ${mebibytes(median(grown))} MiB`,
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
