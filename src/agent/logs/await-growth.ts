/**
 * Waiting until a directory's files may have grown. A file that is being written is looked at again after a moment: watching
 * it would cost the writer and us far more than that; one that is idle is watched. (See Logs in the supervisor's design.)
 */
import { type FSWatcher, watch } from 'node:fs';
import { type Clock, delay } from '#base/clock.ts';

/** The pause between two looks at a file that is being written, milliseconds. */
export const hotPollMs = 20;

/** Resolves after hotPollMs, or when one of the signals aborts. */
export async function awaitPoll(clock: Clock, until: AbortSignal): Promise<void> {
  await delay(clock, hotPollMs, until).catch(() => {});
}

/**
 * Watches `directory` from the call on. `changed` resolves when something in it was written, or when `until` aborts; dispose
 * of the result in any case. Undefined where it cannot be watched, as when the user's watches are used up.
 */
export function watchGrowth(
  directory: string,
  until: AbortSignal,
): (Disposable & { changed: Promise<void> }) | undefined {
  const { promise, resolve } = Promise.withResolvers<void>();
  const onChange = () => resolve();
  const watcher = tryWatch(directory, onChange);
  if (!watcher) return undefined;
  watcher.on('error', onChange);
  until.addEventListener('abort', onChange, { once: true });
  if (until.aborted) resolve();
  return {
    changed: promise,
    [Symbol.dispose]() {
      watcher.close();
      until.removeEventListener('abort', onChange);
    },
  };
}

function tryWatch(directory: string, onChange: () => void): FSWatcher | undefined {
  try {
    return watch(directory, { persistent: false }, onChange);
  } catch {
    return undefined;
  }
}
