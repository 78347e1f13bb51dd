/** The same writing, into a file and as a task. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { BenchCluster } from '#bench/cluster/bench-cluster.ts';
import { cpuSecondsOf } from '#bench/measure/process-tree.ts';
import { type Contestant, inPlaces } from '#bench/measure/take-turns.ts';
import { limits } from '#protocol/limits.ts';

/** What is written. */
export interface Writing {
  /** Path of line-writer. */
  readonly writer: string;
  readonly bytes: number;
  readonly linesPerWrite: number;
}

/** What one writing came to. */
export interface Measured {
  /** As the writer itself has it: neither its start nor its end is in it. */
  readonly seconds: number;
  /** Of the agent, over the whole life of the task. */
  readonly agentCpuSeconds?: number;
  /** What the output had of the disk, bytes. */
  readonly kept?: { readonly most: number; readonly atEnd: number };
}

const sampleMs = 50;

/** Into a file, as a shell would do it. @param puncher holds the file to the default quota meanwhile, where it is given. */
export function enterFile(directory: string, writing: Writing, puncher?: string): Contestant<Measured> {
  return inPlaces(directory, async (place) => {
    const out = openSync(join(place, 'stdout'), 'w');
    const err = openSync(join(place, 'stderr'), 'w');
    const child = spawn(writing.writer, argumentsOf(writing), { stdio: ['ignore', out, err] });
    closeSync(out);
    closeSync(err);
    await using _punching = puncher === undefined ? null : punching(puncher, join(place, 'stdout'));
    const [code] = await once(child, 'exit');
    if (code !== 0) throw new Error(`the writer ended with ${code}`);
    return { seconds: Number(readFileSync(join(place, 'stderr'), 'utf8')) };
  });
}

function punching(puncher: string, path: string): AsyncDisposable {
  const child = spawn(puncher, [path, `${limits.logStreamBytesMax}`], {
    stdio: ['pipe', 'ignore', 'inherit'],
  });
  return {
    async [Symbol.asyncDispose]() {
      child.stdin.end();
      await once(child, 'exit');
    },
  };
}

/** As a task of `cluster`. */
export function enterTask(cluster: BenchCluster, writing: Writing): Contestant<Measured> {
  const agentCpuSeconds = () => cpuSecondsOf([cluster.agentPid]);
  return {
    async measure() {
      const before = agentCpuSeconds();
      const task = await cluster.launchOne([writing.writer, ...argumentsOf(writing)]);
      const path = join(cluster.outputsOf(task), 'stdout');
      const over = new AbortController();
      const most = watchDisk(path, over.signal);
      await cluster.ended(task);
      over.abort();
      const kept = { most: await most, atEnd: diskBytesOf(path) };
      const seconds = Number(readFileSync(join(cluster.outputsOf(task), 'stderr'), 'utf8'));
      return { seconds, agentCpuSeconds: agentCpuSeconds() - before, kept };
    },
    [Symbol.asyncDispose]: async () => {},
  };
}

function argumentsOf({ bytes, linesPerWrite }: Writing): string[] {
  return [`${bytes}`, `${linesPerWrite}`];
}

/** The most that the file has of the disk until `end` aborts. */
async function watchDisk(path: string, end: AbortSignal): Promise<number> {
  let most = 0;
  while (!end.aborted) {
    most = Math.max(most, diskBytesOf(path));
    await sleep(sampleMs);
  }
  return most;
}

/** 0 where it is not there yet. */
function diskBytesOf(path: string): number {
  return (statSync(path, { throwIfNoEntry: false })?.blocks ?? 0) * 512;
}
