/** What a measurement ran on, and whether the machine was quiet enough for its figures to mean anything. */
import { readFileSync, statfsSync } from 'node:fs';
import { cpus, loadavg, release, tmpdir, totalmem } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';

/** Above this share of its time in other hands, of other programs or of other guests of its host, a machine is busy. */
const busyShareMax = 0.05;

const watchMs = 2_000;

const fileSystems: Readonly<Record<number, string>> = {
  16914836: 'tmpfs',
  61267: 'ext4',
  1481003842: 'xfs',
  2435016766: 'btrfs',
  2035054128: 'overlayfs',
};

/** One line: processors, memory, kernel, Node.js, and the file system that measurements write to (TMPDIR chooses it). */
export function describeMachine(): string {
  const memory = `${(totalmem() / 2 ** 30).toFixed(0)} GiB`;
  const kind = statfsSync(tmpdir()).type;
  const files = `files on ${fileSystems[kind] ?? `file system 0x${kind.toString(16)}`}`;
  const processor = `${cpus().length} × ${cpus()[0]?.model.trim()}`;
  return `${processor}, ${memory}, Linux ${release()}, Node.js ${process.version}, ${files}`;
}

/** Watches for two seconds. @returns one line on why figures would not be worth much now; undefined on a quiet machine. */
export async function explainBusy(): Promise<string | undefined> {
  const before = cpuTimes();
  await sleep(watchMs);
  const { used, stolen } = sharesBetween(before, cpuTimes());
  if (used + stolen <= busyShareMax) return undefined;
  const load = loadavg()[0]?.toFixed(1);
  return `this machine is busy (${percent(used)} used, ${percent(stolen)} stolen, load ${load}): do not trust these figures`;
}

/** Watches while something is measured. @returns the share of processor time that other guests of the host took. */
export function watchSteal(): () => string {
  const before = cpuTimes();
  return () => percent(sharesBetween(before, cpuTimes()).stolen);
}

interface CpuTimes {
  readonly total: number;
  readonly idle: number;
  readonly stolen: number;
}

/** The first line of proc_stat(5), in clock ticks. */
function cpuTimes(): CpuTimes {
  const line = readFileSync('/proc/stat', 'utf8').split('\n', 1)[0] ?? '';
  const [user = 0, nice = 0, system = 0, idle = 0, iowait = 0, irq = 0, softirq = 0, steal = 0] = line
    .split(/\s+/)
    .slice(1)
    .map(Number);
  const total = user + nice + system + idle + iowait + irq + softirq + steal;
  return { total, idle: idle + iowait, stolen: steal };
}

function sharesBetween(before: CpuTimes, after: CpuTimes): { used: number; stolen: number } {
  const total = Math.max(1, after.total - before.total);
  const stolen = (after.stolen - before.stolen) / total;
  return { used: 1 - (after.idle - before.idle) / total - stolen, stolen };
}

function percent(share: number): string {
  return `${(share * 100).toFixed(0)} %`;
}
