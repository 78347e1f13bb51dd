/** Following a process while it writes: the command line over controller and agent, against tail(1) on the file itself. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { BenchCluster } from '#bench/cluster/bench-cluster.ts';
import { bufferedLines } from '#bench/log-capture/line-writer.ts';
import { memoryOf } from '#bench/measure/process-memory.ts';
import { cpuSecondsOf } from '#bench/measure/process-tree.ts';
import { type Contestant, inPlaces } from '#bench/measure/take-turns.ts';

/** What following came to. */
export interface Measured {
  readonly bytes: number;
  readonly seconds: number;
  /** CPU seconds of each part, by its name. */
  readonly cpu: Readonly<Record<string, number>>;
  /** By how much each daemon's resident memory grew at most while it was followed, bytes. */
  readonly grown: Readonly<Record<string, number>>;
}

/** What is followed. */
export interface Writing {
  /** Path of line-writer. */
  readonly writer: string;
  readonly bytes: number;
}

const sampleMs = 50;

/** tail(1), until the writer has ended. */
export function enterTail(directory: string, { writer, bytes }: Writing): Contestant<Measured> {
  return inPlaces(directory, async (place) => {
    const path = join(place, 'output');
    const file = openSync(path, 'a');
    const writing = spawn(writer, [`${bytes}`, `${bufferedLines}`], { stdio: ['ignore', file, 'ignore'] });
    closeSync(file);
    const from = performance.now();
    const args = ['-c', '+1', '-f', '-s', '0.02', `--pid=${writing.pid}`, path];
    const seconds = await runToEnd('tail', args, from);
    if (statSync(path).size !== bytes) throw new Error('the writer has not written all');
    return { bytes, seconds, cpu: {}, grown: {} };
  });
}

/** `drover logs -f --raw`. @param drover the release's launcher. */
export async function enterLogs(
  drover: string,
  directory: string,
  { writer, bytes }: Writing,
): Promise<Contestant<Measured>> {
  const cluster = await BenchCluster.start(drover, directory, [
    '--log-quota',
    '4g',
    '--log-node-quota',
    '8g',
  ]);
  const daemons = { agent: cluster.agentPid, controller: cluster.controllerPid };
  return {
    async measure() {
      const before = memoryAndCpuOf(daemons);
      const task = await cluster.launchOne([writer, `${bytes}`, `${bufferedLines}`]);
      const from = performance.now();
      const watching = new AbortController();
      const most = watchMemory(daemons, watching.signal);
      const args = ['logs', '-f', '--raw', '--stdout', '--data', cluster.controllerDirectory, task];
      const seconds = await runToEnd(drover, args, from);
      watching.abort();
      const after = memoryAndCpuOf(daemons);
      const peak = await most;
      return {
        bytes,
        seconds,
        cpu: ofEach((name) => after[name].cpu - before[name].cpu),
        grown: ofEach((name) => peak[name] - before[name].resident),
      };
    },
    [Symbol.asyncDispose]: () => cluster[Symbol.asyncDispose](),
  };
}

/** @returns seconds from `from`, by performance.now(), to its end. @throws when it fails. */
async function runToEnd(program: string, args: readonly string[], from: number): Promise<number> {
  const null_ = openSync('/dev/null', 'w');
  const child = spawn(program, args, { stdio: ['ignore', null_, 'inherit'] });
  closeSync(null_);
  const [code] = await once(child, 'exit');
  if (code !== 0) throw new Error(`${program} ended with ${code}`);
  return (performance.now() - from) / 1000;
}

type Daemons = Readonly<Record<'agent' | 'controller', number>>;

function memoryAndCpuOf(daemons: Daemons) {
  return ofEach((name) => ({
    resident: memoryOf([daemons[name]]).resident,
    cpu: cpuSecondsOf([daemons[name]]),
  }));
}

/** The most that each had resident until `end` aborts. */
async function watchMemory(daemons: Daemons, end: AbortSignal): Promise<Record<keyof Daemons, number>> {
  const most = ofEach(() => 0);
  while (!end.aborted) {
    for (const name of ['agent', 'controller'] as const) {
      most[name] = Math.max(most[name], memoryOf([daemons[name]]).resident);
    }
    await sleep(sampleMs);
  }
  return most;
}

function ofEach<T>(value: (name: keyof Daemons) => T): Record<keyof Daemons, T> {
  return { agent: value('agent'), controller: value('controller') };
}
