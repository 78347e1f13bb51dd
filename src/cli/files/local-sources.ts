/** Paths here as the tops of a tree that is sent. A link that somebody names is followed; those within a tree are copied. */
import { realpath } from 'node:fs/promises';
import { basename, dirname, resolve } from 'node:path';
import { UsageError } from '#base/command-line.ts';
import { DirectoryHandle } from '#base/files/directory-handle.ts';
import { describeFileError } from '#base/files/file-error.ts';
import type { TreeTop } from '#base/files/walk-tree.ts';
import { CommandError } from '#cli/command-error.ts';
import { exitCodes } from '#core/exit-code.ts';

/** Tops that are open. Dispose of them when the tree was sent. */
export interface LocalSources extends Disposable {
  readonly tops: readonly TreeTop[];
}

/**
 * Opens them.
 *
 * @throws UsageError for two of one name, CommandError for one that is not there.
 */
export async function openLocalSources(paths: readonly string[]): Promise<LocalSources> {
  using opening = new DisposableStack();
  const tops: TreeTop[] = [];
  const names = new Map<string, string>();
  for (const path of paths) {
    const as = basename(resolve(path));
    const other = names.get(as);
    if (as === '') throw new UsageError(`drover cp: ${JSON.stringify(path)} has no name to be copied under`);
    if (other !== undefined) {
      throw new UsageError(
        `drover cp: ${JSON.stringify(other)} and ${JSON.stringify(path)} would both be ${JSON.stringify(as)} there`,
      );
    }
    names.set(as, path);
    const real = await attempt(path, () => realpath(path));
    const directory = await attempt(path, () => DirectoryHandle.open(dirname(real)));
    opening.use(directory);
    tops.push({ directory, name: basename(real), as });
  }
  const kept = opening.move();
  return { tops, [Symbol.dispose]: () => kept.dispose() };
}

async function attempt<T>(path: string, open: () => Promise<T>): Promise<T> {
  try {
    return await open();
  } catch (cause) {
    const message = `cannot read ${path}: ${describeFileError(cause)}`;
    throw new CommandError(exitCodes.requestFailed, message, { cause });
  }
}
