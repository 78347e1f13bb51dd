/**
 * Contestants in a process of their own, so that none is measured with another one's heap. `startWorker` is the parent's
 * side, `serveMeasurements` the worker's.
 */
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import type { Contestant } from './take-turns.ts';

/** Runs `program` with these arguments; each `measure` is one call of what it serves. */
export async function startWorker<T>(program: string, ...args: string[]): Promise<Contestant<T>> {
  const child = fork(program, args, { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] });
  const next = answersOf<T>(child);
  await next();
  return {
    measure: () => {
      child.send('measure');
      return next();
    },
    async [Symbol.asyncDispose]() {
      if (child.exitCode !== null) return;
      child.disconnect();
      await once(child, 'exit');
    },
  };
}

/** @returns waits for the next message. @throws when the worker ends instead. */
function answersOf<T>(child: ChildProcess): () => Promise<T> {
  return async () => {
    const over = new AbortController();
    const [answer] = await Promise.race([
      once(child, 'message', { signal: over.signal }),
      once(child, 'exit', { signal: over.signal }).then(([code, signal]) => {
        throw new Error(`${child.spawnargs[1]} ended with ${signal ?? code}`);
      }),
    ]).finally(() => over.abort());
    return answer;
  };
}

/** Says that this worker is ready, and answers each request with what `measure` gives, until the parent lets go. */
export async function serveMeasurements<T>(measure: () => Promise<T>): Promise<void> {
  const over = once(process, 'disconnect');
  process.on('message', () => void measure().then((measured) => process.send?.(measured)));
  process.send?.('ready');
  await over;
}
