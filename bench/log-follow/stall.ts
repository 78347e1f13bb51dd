/**
 * A follower who stands still while a task writes: with the default quota, what agent, controller and he himself grow by, and what of
 * the output the disk keeps for him; then he goes on, and is told what is gone.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { statSync } from 'node:fs';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { setTimeout as sleep } from 'node:timers/promises';
import { BenchCluster } from '#bench/cluster/bench-cluster.ts';
import { bufferedLines } from '#bench/log-capture/programs.ts';
import { measureParts } from '#bench/measure/parts.ts';
import { peakOf } from '#bench/measure/process-memory.ts';
import type { Writing } from './measured.ts';

/** Long enough that he is given all that he is ever given, and that quotas have been looked at again. */
const standsMs = 3_000;

/** Runs it once, and prints what it came to. */
export async function printStall(
  drover: string,
  directory: string,
  { writer, bytes }: Writing,
): Promise<void> {
  await using cluster = await BenchCluster.start(drover, directory);
  const task = await cluster.launchOne([
    '/bin/sh',
    '-c',
    `sleep 1; exec ${writer} ${bytes} ${bufferedLines}`,
  ]);
  const args = ['logs', '-f', '--raw', '--stdout', '--data', cluster.controllerDirectory, task];
  const follower = spawn(drover, args, { stdio: ['ignore', 'pipe', 'pipe'] });
  const said = text(follower.stderr);
  const output = join(cluster.outputsOf(task), 'stdout');
  let [diskBytes, ownBytes, read] = [0, 0, 0];
  const parts = await measureParts(cluster.pids, async () => {
    await cluster.ended(task);
    await sleep(standsMs);
    diskBytes = statSync(output).blocks * 512;
    ownBytes = peakOf(follower.pid ?? 0);
    for await (const piece of follower.stdout) read += (piece as Buffer).length;
  });
  const [code] = follower.exitCode === null ? await once(follower, 'exit') : [follower.exitCode];
  if (code !== 0) throw new Error(`the follower ended with ${code}`);
  const size = (count = 0) => `${(count / 2 ** 20).toFixed(0)} MiB`;
  console.log(`\na follower who stands still from before the first of ${size(bytes)}, by the default quota:`);
  for (const [name, used] of Object.entries(parts))
    console.log(`  ${name} grew by ${size(used.grown)} at the most`);
  console.log(`  he himself took ${size(ownBytes)} at the most; the disk kept ${size(diskBytes)} for him`);
  console.log(`  he then read ${size(read)} and was told: ${JSON.stringify(await said)}`);
}
