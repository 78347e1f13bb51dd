/** Limits of a process that runs already, by prlimit(1). */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';

/** Each by its option of prlimit(1), and the line of /proc/PID/limits that tells it. */
const limitLines = { nofile: /^Max open files.*/m, nproc: /^Max processes.*/m } as const;

/**
 * Lowers a soft limit, since the hard one cannot be raised again by everybody. `nofile` is one more than the highest descriptor.
 *
 * @returns what sets it back.
 */
export function lowerLimit(pid: number, limit: keyof typeof limitLines, to: number): () => void {
  const line = limitLines[limit].exec(readFileSync(`/proc/${pid}/limits`, 'utf8'))?.[0];
  const [soft, hard] = line?.match(/\d+|unlimited/g) ?? [];
  assert.ok(soft && hard);
  prlimit(pid, `--${limit}=${to}:${hard}`);
  return () => prlimit(pid, `--${limit}=${soft}:${hard}`);
}

function prlimit(pid: number, limit: string): void {
  const { status, stderr } = spawnSync('prlimit', ['--pid', `${pid}`, limit], { encoding: 'utf8' });
  assert.equal(status, 0, stderr);
}
