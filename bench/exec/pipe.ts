/** Bytes through a command in a pipeline of the shell. */

import { bufferedLines } from '#bench/log-capture/programs.ts';
import { measureParts, runToEnd, secondsSince, type Used } from '#bench/measure/parts.ts';
import type { Contestant } from '#bench/measure/take-turns.ts';

/** What goes through. */
export interface Carrying {
  /** Path of line-writer. */
  readonly writer: string;
  readonly bytes: number;
}

/** How that went. */
export interface Carried {
  readonly seconds: number;
  readonly parts: Readonly<Record<string, Used>>;
}

/** `writer | COMMAND | head -c`, which fails unless all has come out. @param pids of those that it goes through, by name. */
export function enterPipe(
  command: string,
  { writer, bytes }: Carrying,
  pids: Readonly<Record<string, number>>,
): Contestant<Carried> {
  const counted = `test "$(${writer} ${bytes} ${bufferedLines} 2>/dev/null | ${command} | wc -c)" = ${bytes}`;
  return {
    async measure() {
      let seconds = 0;
      let own: Used = { cpuSeconds: 0 };
      const parts = await measureParts(pids, async () => {
        const from = performance.now();
        own = await runToEnd('sh', ['-c', counted]);
        seconds = secondsSince(from);
      });
      return { seconds, parts: { ...parts, 'the pipeline': own } };
    },
    [Symbol.asyncDispose]: async () => {},
  };
}
