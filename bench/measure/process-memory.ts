/** Memory of processes, as /proc has it. */
import { readFileSync, writeFileSync } from 'node:fs';

/** Memory of a process, bytes. */
export interface Memory {
  readonly resident: number;
  /** Resident, with what is shared counted by the number of processes that share it. */
  readonly proportional: number;
  /** Its very own: what would be free if it ended. */
  readonly privateDirty: number;
}

/** The sum of what these processes use. @throws for one that has ended. */
export function memoryOf(pids: readonly number[]): Memory {
  const sum = { resident: 0, proportional: 0, privateDirty: 0 };
  for (const pid of pids) {
    const text = readFileSync(`/proc/${pid}/smaps_rollup`, 'utf8');
    const field = (name: string) => Number(new RegExp(`^${name}:\\s+(\\d+) kB$`, 'm').exec(text)?.[1]) * 1024;
    sum.resident += field('Rss');
    sum.proportional += field('Pss');
    sum.privateDirty += field('Private_Dirty');
  }
  return sum;
}

/** Forgets the most that a process has had resident: it begins anew from now (proc_pid_clear_refs(5)). */
export function forgetPeak(pid: number): void {
  writeFileSync(`/proc/${pid}/clear_refs`, '5');
}

/** The most that a process has had resident at once, bytes. @throws when it has ended. */
export function peakOf(pid: number): number {
  const text = readFileSync(`/proc/${pid}/status`, 'utf8');
  return Number(/^VmHWM:\s+(\d+) kB$/m.exec(text)?.[1]) * 1024;
}
