/** The last resort of a test that failed half-way: supervisors and tasks outlive everybody else by design. */
import { readdirSync, readFileSync } from 'node:fs';

/** Kills every process that has `directory` in its command line. After a test that went well there is none. */
export function killProcessesOf(directory: string): void {
  for (const pid of readdirSync('/proc').filter((name) => /^\d+$/.test(name))) {
    if (Number(pid) === process.pid || !commandLine(pid).includes(directory)) continue;
    try {
      process.kill(Number(pid), 'SIGKILL');
    } catch {
      // It has just ended.
    }
  }
}

function commandLine(pid: string): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8');
  } catch {
    return '';
  }
}
