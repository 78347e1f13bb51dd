/**
 * Names of files that are not whole yet, beside their targets: which target, and which process builds it. So a later try
 * finds what an earlier one left, and takes no part away from one that still goes on. Whoever takes a part renames it to a
 * name of its own: of two, only one succeeds.
 *
 *   .drover-TARGET.HOST-PID-STARTED-NUMBER.part   larger files, kept for another try
 *   .drover-TARGET.HOST-PID-STARTED-NUMBER.tmp    everything else, of no use once its process is gone
 */
import { hash } from 'node:crypto';
import { readFileSync, readlinkSync } from 'node:fs';

/** The two kinds. */
export type PartKind = 'part' | 'tmp';

/** So long a part of a host or container that cannot be looked at must be untouched to be taken, milliseconds. */
const foreignQuietMs = 600_000;

const form =
  /^\.drover-(?<target>[0-9a-f]{16})\.(?<host>[0-9a-f]{8})-(?<pid>\d{1,10})-(?<started>\d{1,20})-(?<number>\d{1,15})\.(?<kind>part|tmp)$/;

/** What a name says. */
export interface PartName {
  readonly name: string;
  readonly target: string;
  readonly kind: PartKind;
  readonly host: string;
  readonly pid: number;
  readonly started: string;
  readonly number: number;
}

/** Numbers of the names that this process uses now. */
const inUse = new Set<number>();
let last = 0;
let self: { readonly host: string; readonly started: string } | undefined;

/** Which target a part is for, in its name. */
export function targetOf(name: string): string {
  return hash('sha256', name, 'hex').slice(0, 16);
}

/** A new name for a part of the target `name`, in use until `releasePartName`. */
export function newPartName(name: string, kind: PartKind): string {
  self ??= describeSelf();
  last += 1;
  inUse.add(last);
  // Only a part is ever looked for.
  const target = kind === 'part' ? targetOf(name) : '0'.repeat(16);
  return `.drover-${target}.${self.host}-${process.pid}-${self.started}-${last}.${kind}`;
}

/** Nobody here uses this name any more: another try may take what it names. */
export function releasePartName(name: string): void {
  inUse.delete(parsePartName(name)?.number ?? 0);
}

/** @returns undefined for a name that is none of ours. */
export function parsePartName(name: string): PartName | undefined {
  if (!name.startsWith('.drover-')) return undefined;
  const found = form.exec(name)?.groups;
  if (!found) return undefined;
  const { target = '', host = '', started = '', kind } = found;
  const [pid, number] = [Number(found['pid']), Number(found['number'])];
  return { name, target, kind: kind as PartKind, host, pid, started, number };
}

/** Whether nobody builds it any more. `quietMs` is how long it was not written. */
export function isAbandoned(part: PartName, quietMs: number): boolean {
  self ??= describeSelf();
  if (part.host !== self.host) return quietMs >= foreignQuietMs;
  if (part.pid === process.pid && part.started === self.started) return !inUse.has(part.number);
  const started = isAlive(part.pid) ? startedAt(part.pid) : undefined;
  return started === undefined || (started !== '' && started !== part.started);
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    // Somebody else's process is there as well; it may even be hidden in /proc.
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}

/** When a process started, in the kernel's ticks since boot; empty for one that cannot be looked at. */
function startedAt(pid: number | 'self'): string {
  const stat = readStat(pid);
  // The command's name is in parentheses, and may have any character in it. @see man 5 proc_pid_stat
  return stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19] ?? '';
}

function readStat(pid: number | 'self'): string {
  try {
    return readFileSync(`/proc/${pid}/stat`, 'latin1');
  } catch {
    return '';
  }
}

/** This boot and this pid namespace: within them a pid with its start time is one process. */
function describeSelf() {
  const boot = readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();
  const host = hash('sha256', `${boot} ${readlinkSync('/proc/self/ns/pid')}`, 'hex').slice(0, 8);
  return { host, started: startedAt('self') };
}
