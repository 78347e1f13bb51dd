/** Launches by Node's own child_process, each with two files for its output. */
import { spawn } from 'node:child_process';
import { closeSync, openSync } from 'node:fs';
import { join } from 'node:path';
import type { Measured } from './measured.ts';

/** Runs `count` processes, `inFlight` at once. Node does not tell what reaped children have used: no CPU figure. */
export async function launchByChildProcess(
  directory: string,
  count: number,
  inFlight: number,
): Promise<Measured> {
  const from = performance.now();
  let next = 0;
  const lane = async () => {
    while (next < count) await launchOne(directory, next++);
  };
  await Promise.all(Array.from({ length: inFlight }, lane));
  return { launches: count, seconds: (performance.now() - from) / 1000 };
}

function launchOne(directory: string, number: number): Promise<void> {
  const out = openSync(join(directory, `${number}.out`), 'a', 0o640);
  const err = openSync(join(directory, `${number}.err`), 'a', 0o640);
  return new Promise((resolve, reject) => {
    const child = spawn('/bin/true', { stdio: ['ignore', out, err] });
    child.on('error', reject);
    child.on('exit', (code) => (code === 0 ? resolve() : reject(new Error(`exit ${code}`))));
    closeSync(out);
    closeSync(err);
  });
}
