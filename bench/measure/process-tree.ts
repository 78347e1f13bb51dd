/** Processes and their descendants as /proc has them, and the CPU time that they have used. */
import { readdirSync, readFileSync } from 'node:fs';

/** USER_HZ, in which proc_pid_stat(5) counts: 100 on every Linux that Node.js runs on. */
const ticksPerSecond = 100;

interface Stat {
  readonly pid: number;
  readonly parent: number;
  /** User and system time of it and of what it reaped, clock ticks. */
  readonly ticks: number;
  /** Of what it reaped alone. */
  readonly reapedTicks: number;
}

/** CPU seconds of these processes, their living descendants and everything that any of them has reaped. */
export function cpuSecondsOf(roots: readonly number[]): number {
  const ticks = treesOf(roots).reduce((sum, stat) => sum + stat.ticks, 0);
  return ticks / ticksPerSecond;
}

/** CPU seconds of what this process has reaped so far: of a child that has ended between two calls, the difference is all. */
export function reapedCpuSeconds(): number {
  const [stat] = readStat(process.pid);
  return (stat?.reapedTicks ?? 0) / ticksPerSecond;
}

/** These processes and their living descendants. */
export function pidsOfTrees(roots: readonly number[]): number[] {
  return treesOf(roots).map(({ pid }) => pid);
}

/** Process ids by argument vector. */
export function findProcesses(matches: (argv: readonly string[]) => boolean): number[] {
  return livingPids().filter((pid) => matches(readProc(pid, 'cmdline').split('\0').slice(0, -1)));
}

/** The server of the supervisor with that state directory, undefined where it is dead, and the monitors. */
export function findSupervisor(directory: string): {
  server: number | undefined;
  monitors: readonly number[];
} {
  const all = findProcesses(
    ([path, ...args]) => path?.endsWith('/drover-supervisor') === true && args.includes(directory),
  );
  // A monitor is a fork of the server that has given itself another name.
  const isMonitor = (pid: number) => readProc(pid, 'comm').startsWith('drover-monitor');
  return { server: all.find((pid) => !isMonitor(pid)), monitors: all.filter(isMonitor) };
}

function treesOf(roots: readonly number[]): Stat[] {
  const childrenOf = new Map<number, Stat[]>();
  const found: Stat[] = [];
  for (const stat of livingPids().flatMap(readStat)) {
    if (roots.includes(stat.pid)) found.push(stat);
    else childrenOf.set(stat.parent, [...(childrenOf.get(stat.parent) ?? []), stat]);
  }
  // Grows while it is walked.
  for (const { pid } of found) found.push(...(childrenOf.get(pid) ?? []));
  return found;
}

function readStat(pid: number): Stat[] {
  const text = readProc(pid, 'stat');
  // The command before it is in parentheses and may contain some.
  const fields = text
    .slice(text.lastIndexOf(') ') + 2)
    .split(' ')
    .map(Number);
  const [user, system, reapedUser, reapedSystem] = fields.slice(11, 15);
  if (user === undefined || system === undefined) return [];
  const reapedTicks = (reapedUser ?? 0) + (reapedSystem ?? 0);
  return [{ pid, parent: fields[1] ?? 0, ticks: user + system + reapedTicks, reapedTicks }];
}

function livingPids(): number[] {
  return readdirSync('/proc').map(Number).filter(Number.isSafeInteger);
}

/** Empty where the process has ended. */
function readProc(pid: number, file: string): string {
  try {
    return readFileSync(`/proc/${pid}/${file}`, 'latin1');
  } catch {
    return '';
  }
}
