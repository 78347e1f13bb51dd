/**
 * How long things take to start: the command line from the release and from sources against a bare Node.js; a controller to
 * its first answer; `drover up` to the end of its first task. Fresh processes, files in the page cache.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { unpackRelease } from '#bench/cluster/release.ts';
import { readBenchOptions } from '#bench/measure/options.ts';
import { median, spread } from '#bench/measure/statistics.ts';
import { type Entry, takeTurns } from '#bench/measure/take-turns.ts';
import { droverPath } from '#test/fixture/drover-command.ts';
import { enterCommand, enterController, enterUp } from './contestants.ts';

const { quick, rounds } = readBenchOptions();
/** Starts of a command in one round: one alone is too short to be measured. */
const starts = quick ? 2 : 20;

const directory = mkdtempSync(join(tmpdir(), 'drover-bench-'));
try {
  using release = unpackRelease();
  const { drover, node } = release;
  const entries = await takeTurns<number>(
    {
      'node -e 0': async () => enterCommand([node, '-e', '0'], starts),
      'drover ps --help, release': async () => enterCommand([drover, 'ps', '--help'], starts),
      'drover ps --help, sources': async () => enterCommand([droverPath, 'ps', '--help'], starts),
      'a new controller to its first answer': async () => enterController(drover, directory),
      'drover up to the end of its first task': async () => enterUp(drover, directory),
    },
    rounds,
  );
  print(entries);
} finally {
  rmSync(directory, { recursive: true, force: true });
}

function print(entries: readonly Entry<number>[]): void {
  console.log(`start: milliseconds, median of ${rounds} rounds (min–max)\n`);
  const [bare = Number.NaN] = entries.map(medianOf);
  for (const entry of entries) {
    const done = 'rounds' in entry ? entry.rounds : [];
    const ratio = (medianOf(entry) / bare).toFixed(2);
    console.log(`${entry.name.padEnd(40)} ${spread(done).padEnd(20)} ${ratio} × a bare Node.js`);
  }
}

function medianOf(entry: Entry<number>): number {
  return 'rounds' in entry ? median(entry.rounds) : Number.NaN;
}
