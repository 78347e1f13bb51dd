/**
 * A worker that launches by Node's own child_process, each with two files for its output.
 *
 * usage: child-process-worker.ts DIRECTORY COUNT IN-FLIGHT
 */
import { spawn } from 'node:child_process';
import { closeSync, openSync } from 'node:fs';
import { join } from 'node:path';
import { cpuSecondsOf } from '#bench/measure/process-tree.ts';
import { serveMeasurements } from '#bench/measure/worker.ts';
import { measureLaunches } from './measured.ts';

const [directory = '', count = '', inFlight = ''] = process.argv.slice(2);
const launches = Number(count);
await serveMeasurements(() => measureLaunches(launches, () => cpuSecondsOf([process.pid]), launchAll));

async function launchAll(): Promise<void> {
  let next = 0;
  const lane = async () => {
    while (next < launches) await launchOne(next++);
  };
  await Promise.all(Array.from({ length: Number(inFlight) }, lane));
}

function launchOne(number: number): Promise<void> {
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
