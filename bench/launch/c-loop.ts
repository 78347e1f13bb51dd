/** The limit: spawn-loop.c, built here. */
import { execFile, execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { Contestant } from '#bench/measure/take-turns.ts';
import type { Measured } from './measured.ts';

const run = promisify(execFile);

/** Builds the loop into `directory`, where it also puts its output. */
export async function enterLoop(
  directory: string,
  count: number,
  inFlight: number,
): Promise<Contestant<Measured>> {
  const loop = join(directory, 'spawn-loop');
  execFileSync('cc', ['-O2', '-o', loop, join(import.meta.dirname, 'spawn-loop.c')]);
  return {
    async measure() {
      const { stdout } = await run(loop, [directory, `${count}`, `${inFlight}`]);
      const [launches = 0, seconds = 0, cpuSeconds = 0] = stdout.trim().split(' ').map(Number);
      return { launches, seconds, cpuSeconds };
    },
    [Symbol.asyncDispose]: async () => {},
  };
}
