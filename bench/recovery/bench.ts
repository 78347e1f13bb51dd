/**
 * A thousand running tasks on one node: how long until an agent that was killed has adopted them all and told what happened
 * meanwhile, and until a supervisor's server that was killed has all monitors back. Against an agent with next to no tasks:
 * the difference is what adopting costs.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { unpackRelease } from '#bench/cluster/release.ts';
import { readBenchOptions } from '#bench/measure/options.ts';
import { median, spread } from '#bench/measure/statistics.ts';
import { type Entry, takeTurns } from '#bench/measure/take-turns.ts';
import { enterAgent, enterServer } from './contestants.ts';

const { quick, rounds } = readBenchOptions();
const many = quick ? 50 : 1_000;
/** Every round ends ten tasks. */
const few = 10;

const directory = mkdtempSync(join(tmpdir(), 'drover-bench-'));
try {
  using release = unpackRelease();
  const { drover } = release;
  const options = (name: string, tasks: number) => ({ drover, directory: join(directory, name), tasks });
  const entries = await takeTurns<number>(
    {
      [`agent, ${few} tasks`]: () => enterAgent(options('few', few)),
      [`agent, ${many} tasks`]: () => enterAgent(options('agent', many)),
      [`supervisor, ${many} tasks`]: () => enterServer(options('server', many)),
    },
    rounds,
  );
  print(entries);
} finally {
  rmSync(directory, { recursive: true, force: true });
}

function print(entries: readonly Entry<number>[]): void {
  console.log(
    `recovery: an agent's from its start, a server's from its death, until all is back; median of ${rounds} rounds (min–max)\n`,
  );
  const [base = Number.NaN] = entries.map(secondsOf);
  for (const entry of entries) {
    const done = 'rounds' in entry ? entry.rounds : [];
    const ratio = (secondsOf(entry) / base).toFixed(2);
    console.log(`${entry.name.padEnd(24)} ${spread(done, 3)} s  ${ratio} × an agent's with ${few}`);
  }
}

function secondsOf(entry: Entry<number>): number {
  return 'rounds' in entry ? median(entry.rounds) : Number.NaN;
}
