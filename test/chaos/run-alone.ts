/** Runs one file of these tests on its own and for as long as it takes, for the programs beside it that want more of it than `npm test`. */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** How. */
export interface RunAloneOptions {
  /** Variables by which the file is told how much to do. */
  readonly env: Readonly<Record<string, string>>;
  /** One that takes longer hangs, which is a failure. */
  readonly timeoutMs: number;
}

/** Runs the tests of a file of this folder. Gives whether all have passed. */
export function runAlone(file: string, { env, timeoutMs }: RunAloneOptions): boolean {
  const directory = mkdtempSync(join(tmpdir(), 'drover-chaos-'));
  const { status } = spawnSync(
    process.execPath,
    [...process.execArgv, '--test', join(import.meta.dirname, file)],
    {
      stdio: 'inherit',
      timeout: timeoutMs,
      env: {
        ...process.env,
        TMPDIR: directory,
        NODE_COMPILE_CACHE: join(directory, 'node-compile-cache'),
        DROVER_TEST_RUN: directory,
        ...env,
      },
    },
  );
  rmSync(directory, { recursive: true, force: true });
  return status === 0;
}
