/** What one contestant keeps in memory for tasks that sleep. */

import { setTimeout as sleep } from 'node:timers/promises';
import { type Memory, memoryOf } from '#bench/measure/process-memory.ts';
import { findProcesses, pidsOfTrees } from '#bench/measure/process-tree.ts';

/** The command of a task. */
export const sleeper = ['/bin/sleep', '100000'] as const;

/** Time for buffers of the start to be given back, milliseconds. */
const settleMs = 3_000;

/** Memory of each part of a contestant, by its name; all of them belong to it and none is a task. */
export type Parts = Readonly<Record<string, readonly number[]>>;

/** Memory without tasks and with them. */
export interface Measured {
  readonly tasks: number;
  readonly idle: Readonly<Record<string, Memory>>;
  readonly loaded: Readonly<Record<string, Memory>>;
  /** Of the tasks themselves. */
  readonly sleepers: Memory;
}

/** A contestant's processes as they are when it is asked. */
export interface Keepers {
  parts(): Parts;
  /** Processes beneath which the tasks are. */
  roots(): readonly number[];
  /** Starts the tasks. */
  start(): Promise<void>;
}

/** Measures, starts the tasks, lets all settle, and measures again. */
export async function measureMemory(tasks: number, { parts, roots, start }: Keepers): Promise<Measured> {
  await sleep(settleMs);
  const idle = memoryOfParts(parts());
  await start();
  await sleep(settleMs);
  const loaded = memoryOfParts(parts());
  const all = new Set(findProcesses((argv) => argv.join(' ') === sleeper.join(' ')));
  const sleepers = pidsOfTrees(roots()).filter((pid) => all.has(pid));
  if (sleepers.length !== tasks) throw new Error(`${sleepers.length} tasks sleep, not ${tasks}`);
  return { tasks, idle, loaded, sleepers: memoryOf(sleepers) };
}

function memoryOfParts(parts: Parts): Record<string, Memory> {
  return Object.fromEntries(Object.entries(parts).map(([name, pids]) => [name, memoryOf(pids)]));
}
