/** Following and reading by the command line, over controller and agent. */
import type { BenchCluster } from '#bench/cluster/bench-cluster.ts';
import { bufferedLines } from '#bench/log-capture/programs.ts';
import { measureParts, runToEnd, secondsSince, type Used } from '#bench/measure/parts.ts';
import type { Contestant } from '#bench/measure/take-turns.ts';
import type { Measured, Writing } from './measured.ts';

/** What the sides have in common. */
export interface SideOptions {
  /** The release's launcher. */
  readonly drover: string;
  readonly cluster: BenchCluster;
  readonly writing: Writing;
}

/** `drover logs -f --raw` of a task that has just been launched. @param more options. */
export function enterFollow(options: SideOptions, more: readonly string[]): Contestant<Measured> {
  const { cluster, writing } = options;
  return measuring(options, async () => {
    const task = await cluster.launchOne(commandOf(writing));
    return ['logs', '-f', '--raw', ...more, task];
  });
}

/** `drover run --raw`, which launches it too. */
export function enterRun(options: SideOptions): Contestant<Measured> {
  return measuring(options, async () => ['run', '-w', '@all', '--raw', '--', ...commandOf(options.writing)]);
}

/** `drover logs --raw` of what a task has written before. */
export function enterRead(options: SideOptions): Contestant<Measured> {
  const { cluster, writing } = options;
  let task = '';
  const prepare = async () => {
    task = await cluster.launchOne(commandOf(writing));
    await cluster.ended(task);
  };
  return measuring(options, async () => ['logs', '--raw', '--stdout', task], prepare);
}

function commandOf({ writer, bytes }: Writing): string[] {
  return ['/bin/sh', '-c', `exec ${writer} ${bytes} ${bufferedLines} 2>/dev/null`];
}

function measuring(
  { drover, cluster, writing: { bytes } }: SideOptions,
  begin: () => Promise<string[]>,
  prepare?: () => Promise<void>,
): Contestant<Measured> {
  return {
    async measure() {
      await prepare?.();
      let seconds = 0;
      let cli: Used = { cpuSeconds: 0 };
      const daemons = await measureParts(cluster.pids, async () => {
        const from = performance.now();
        const [command = '', ...args] = await begin();
        cli = await runToEnd(drover, [command, '--data', cluster.controllerDirectory, ...args]);
        seconds = secondsSince(from);
      });
      return { bytes, seconds, parts: { ...daemons, 'command line': cli } };
    },
    [Symbol.asyncDispose]: async () => {},
  };
}
