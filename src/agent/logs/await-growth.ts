/**
 * Waiting until a directory's files may have grown. A file that is being written is looked at again after a moment: watching
 * it would cost the writer and us far more than that; one that is idle is watched. (See Logs in the supervisor's design.)
 */
import { watch } from 'node:fs';
import { type Clock, delay } from '#base/clock.ts';

/** The pause between two looks at a file that is being written, milliseconds. */
export const hotPollMs = 20;

/** Resolves after hotPollMs, or when one of the signals aborts. */
export async function awaitPoll(clock: Clock, until: AbortSignal): Promise<void> {
  await delay(clock, hotPollMs, until).catch(() => {});
}

/**
 * Watches `directory` from the call on. `changed` resolves when something in it was written, or when `until` aborts; dispose
 * of the result in any case.
 *
 * @throws the system's error, as when the directory is not there or the user's watches are used up.
 */
export function watchGrowth(directory: string, until: AbortSignal): Disposable & { changed: Promise<void> } {
  const { promise, resolve } = Promise.withResolvers<void>();
  const onAbort = () => resolve();
  const watcher = watch(directory, { persistent: false }, onAbort).on('error', onAbort);
  until.addEventListener('abort', onAbort, { once: true });
  if (until.aborted) resolve();
  return {
    changed: promise,
    [Symbol.dispose]() {
      watcher.close();
      until.removeEventListener('abort', onAbort);
    },
  };
}
