/**
 * Five hundred sleeping tasks: what Drover's processes on their node keep in memory for them, against Supervisor, PM2 and
 * nobody. Page tables and kernel stacks are not counted.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { unpackRelease } from '#bench/cluster/release.ts';
import { readBenchOptions } from '#bench/measure/options.ts';
import type { Memory } from '#bench/measure/process-memory.ts';
import { median, spread } from '#bench/measure/statistics.ts';
import { type Entry, takeTurns } from '#bench/measure/take-turns.ts';
import { enterBare, enterDrover, enterPm2, enterSupervisor } from './contestants.ts';
import type { Measured } from './measured.ts';

const { quick, rounds } = readBenchOptions();
const tasks = quick ? 5 : 500;
/** PM2 needs minutes to start so many. */
const pm2Tasks = quick ? 5 : 100;
const kinds = ['resident', 'proportional', 'privateDirty'] as const;

const directory = mkdtempSync(join(tmpdir(), 'drover-bench-'));
try {
  using release = unpackRelease();
  const options = { directory, tasks };
  const entries = await takeTurns<Measured>(
    {
      bare: async () => enterBare(options),
      drover: async () => enterDrover(release.drover, options),
      Supervisor: async () => enterSupervisor(options),
      PM2: async () => enterPm2({ directory, tasks: pm2Tasks }),
    },
    rounds,
  );
  console.log(`sleepers: ${tasks} × sleep (PM2 ${pm2Tasks}), median of ${rounds} rounds (min–max), KB\n`);
  for (const entry of entries) print(entry);
} finally {
  rmSync(directory, { recursive: true, force: true });
}

function print(entry: Entry<Measured>): void {
  if ('skipped' in entry) {
    console.log(`${entry.name.padEnd(12)} skipped: ${entry.skipped}`);
    return;
  }
  const { name, rounds: done } = entry;
  row(name, ...kinds.map((kind) => kind.replace(/[A-Z]/, (letter) => ` ${letter.toLowerCase()}`)));
  for (const part of Object.keys(done[0]?.loaded ?? {})) {
    for (const when of ['idle', 'loaded'] as const) {
      const title = when === 'idle' ? `${part}, no task` : `${part}, ${done[0]?.tasks} tasks`;
      row(title, ...kinds.map((kind) => kilobytes(done, (round) => round[when][part]?.[kind] ?? 0)));
    }
  }
  row('the tasks themselves', ...kinds.map((kind) => kilobytes(done, ({ sleepers }) => sleepers[kind])));
  row('kept for one task', ...kinds.map((kind) => keptFor(done, kind)));
  console.log();
}

/** By how much all parts together have grown, for each task. */
function keptFor(done: readonly Measured[], kind: keyof Memory): string {
  const sum = (parts: Readonly<Record<string, Memory>>) =>
    Object.values(parts).reduce((total, memory) => total + memory[kind], 0);
  return median(done.map((round) => (sum(round.loaded) - sum(round.idle)) / round.tasks / 1024)).toFixed(1);
}

function kilobytes(done: readonly Measured[], bytesOf: (round: Measured) => number): string {
  return spread(done.map((round) => bytesOf(round) / 1024));
}

function row(title: string, ...cells: readonly string[]): void {
  console.log(`${title.padEnd(26)} ${cells.map((cell) => cell.padStart(26)).join(' ')}`);
}
