/** Daemons of peers: started in a cgroup, with which they end, and awaited until they answer. */
import { execFile, spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import type { Cgroup } from '#bench/measure/cgroup.ts';
import { SkippedError } from '#bench/measure/take-turns.ts';

const askAgainMs = 100;
const answerTimeoutMs = 60_000;

/** @throws SkippedError for the first of these programs that is not installed. */
export function checkInstalled(...programs: readonly string[]): void {
  const missing = programs.find((program) => !existsSync(program));
  if (missing !== undefined) {
    throw new SkippedError(`${missing} is missing (bench/peers/setup.ts installs it)`);
  }
}

/** Starts a program that goes on until its cgroup ends, with these variables and nothing else of our environment but PATH. */
export function startDaemon(
  cgroup: Cgroup,
  [file, ...args]: readonly [string, ...string[]],
  env: NodeJS.ProcessEnv = {},
): void {
  const [sh, ...rest] = cgroup.enter(file, ...args);
  const own = { PATH: process.env['PATH'], HOME: process.env['HOME'], ...env };
  spawn(sh, rest, { stdio: 'ignore', detached: true, env: own }).unref();
}

/** Runs a command again and again until it succeeds and `answers` likes what it printed. @throws after a minute. */
export async function untilAnswers(
  [file, ...args]: readonly [string, ...string[]],
  env: NodeJS.ProcessEnv = {},
  answers: (printed: string) => boolean = () => true,
): Promise<void> {
  const run = promisify(execFile);
  const deadline = performance.now() + answerTimeoutMs;
  for (;;) {
    const printed = await run(file, args, { env: { ...process.env, ...env } }).catch(() => undefined);
    if (printed && answers(printed.stdout)) return;
    if (performance.now() > deadline) throw new Error(`${file} ${args.join(' ')} does not succeed`);
    await sleep(askAgainMs);
  }
}
