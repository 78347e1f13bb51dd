/** What the processes of a measurement use while it is under way. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync } from 'node:fs';
import { forgetPeak, memoryOf, peakOf } from './process-memory.ts';
import { cpuSecondsOf, reapedCpuSeconds } from './process-tree.ts';

/** What one process used. */
export interface Used {
  readonly cpuSeconds: number;
  /** By how much its resident memory grew at the most, bytes. Of those that go on. */
  readonly grown?: number;
}

/** Does `work`, and says what these processes used meanwhile. @param pids by what each is called. */
export async function measureParts(
  pids: Readonly<Record<string, number>>,
  work: () => Promise<void>,
): Promise<Record<string, Used>> {
  const before = Object.entries(pids).map(([name, pid]) => {
    forgetPeak(pid);
    return { name, pid, resident: memoryOf([pid]).resident, cpu: cpuSecondsOf([pid]) };
  });
  await work();
  const used = before.map(({ name, pid, resident, cpu }): [string, Used] => [
    name,
    { cpuSeconds: cpuSecondsOf([pid]) - cpu, grown: peakOf(pid) - resident },
  ]);
  return Object.fromEntries(used);
}

/** Runs a program to its end with what it prints going nowhere. @throws when it fails. */
export async function runToEnd(program: string, args: readonly string[]): Promise<Used> {
  const before = reapedCpuSeconds();
  const nowhere = openSync('/dev/null', 'w');
  const child = spawn(program, args, { stdio: ['ignore', nowhere, 'inherit'] });
  closeSync(nowhere);
  const [code] = await once(child, 'exit');
  if (code !== 0) throw new Error(`${program} ended with ${code}`);
  return { cpuSeconds: reapedCpuSeconds() - before };
}

/** Seconds since `from`, by performance.now(). */
export function secondsSince(from: number): number {
  return (performance.now() - from) / 1000;
}
