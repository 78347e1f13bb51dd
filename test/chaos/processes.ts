/** Who is there, as /proc says: the only witness that the tests ask about processes. */
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import type { Task } from '#protocol/gen/drover/v1/task_pb.ts';

/** Pids of every process, also of those in the pid namespaces below ours. */
export function allPids(): number[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map(Number);
}

/** A file of a process; empty where it has ended or is another user's. */
export function readProc(pid: number, file: string): string {
  try {
    return readFileSync(`/proc/${pid}/${file}`, 'latin1');
  } catch {
    return '';
  }
}

/** Pids of the processes, zombies aside, that have `mark` in their command line or environment; this one is not among them. */
export function pidsWith(mark: string): number[] {
  return allPids().filter(
    (pid) => pid !== process.pid && `${readProc(pid, 'cmdline')}\0${readProc(pid, 'environ')}`.includes(mark),
  );
}

/** Some of proc_pid_stat(5). */
export interface ProcessStat {
  /** Its letter. */
  readonly state: string;
  readonly parent: number;
  readonly session: number;
  /** Clock ticks since boot. */
  readonly startTicks: string;
}

/** How a process is; undefined where there is none. */
export function statOf(pid: number): ProcessStat | undefined {
  const stat = readProc(pid, 'stat');
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  const [state = '', parent, , session] = fields;
  if (stat === '') return undefined;
  return { state, parent: Number(parent), session: Number(session), startTicks: fields[19] ?? '' };
}

/** Pid of the monitor of a running task: its leader's parent. */
export function monitorOf(task: Task): number {
  const monitor = statOf(task.attempts[0]?.pid ?? 0)?.parent ?? 0;
  assert.equal(monitor > 1, true);
  return monitor;
}

/** Whether it runs; a zombie does not. */
export function isAlive(pid: number): boolean {
  const stat = statOf(pid);
  return stat !== undefined && stat.state !== 'Z' && stat.state !== 'X';
}

/** "PID COMMAND LINE", for messages. */
export function describeProcess(pid: number): string {
  return `${pid} ${readProc(pid, 'cmdline').replaceAll('\0', ' ').trim()}`;
}

/** Bytes of resident memory, and open descriptors. */
export function footprintOf(pid: number): { residentBytes: number; descriptors: number } {
  const kib = /^VmRSS:\s+(\d+) kB$/m.exec(readProc(pid, 'status'))?.[1] ?? '0';
  return { residentBytes: Number(kib) * 1024, descriptors: readdirSync(`/proc/${pid}/fd`).length };
}

/** Bytes of resident memory at its highest so far. */
export function peakBytesOf(pid: number): number {
  const kib = /^VmHWM:\s+(\d+) kB$/m.exec(readProc(pid, 'status'))?.[1] ?? '0';
  return Number(kib) * 1024;
}

/** Sends SIGKILL, wherever the processes are still there. */
export function killAll(pids: readonly number[]): void {
  for (const pid of pids) {
    try {
      process.kill(pid, 'SIGKILL');
    } catch {
      // It has just ended.
    }
  }
}
