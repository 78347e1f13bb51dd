/** From a path that the policy allows to the handle of the directory that it is in: a component at a time, and no link followed. */
import type { BigIntStats } from 'node:fs';
import { DirectoryHandle, joinPath } from '#base/files/directory-handle.ts';
import { describeFileError, FileError, isSystemError } from '#base/files/file-error.ts';
import type { AllowedPath } from './decide-files.ts';
import type { StateGuard } from './guard-state.ts';

/** A name in an open directory. Dispose of it to close that. */
export interface OpenPlace extends Disposable {
  readonly directory: DirectoryHandle;
  /** "." for a root itself. */
  readonly name: string;
  /** Absolute, for people. */
  readonly path: string;
}

/** What to make where it is missing on the way: the mode, and who is told. */
export interface MissingDirectories {
  readonly mode: number;
  readonly made: (path: string, stats: BigIntStats) => void;
}

/**
 * Opens the directory that `allowed` is in, beneath its root.
 *
 * @param missing makes what is missing above it; without it that is an error.
 * @throws FileError that names the component which is in the way; the system's error.
 */
export async function openPlace(
  { root, isWorkspace, parts, path }: AllowedPath,
  guard: StateGuard,
  missing?: MissingDirectories,
): Promise<OpenPlace> {
  // The way to the workspace is the agent's own. Others' roots are opened from "/" as all else is.
  let directory = await DirectoryHandle.open(isWorkspace ? root : '/', guard);
  try {
    const rootParts = isWorkspace ? [] : root.split('/').filter((part) => part !== '');
    const way = [...rootParts, ...parts];
    for (const part of way.slice(0, -1)) {
      const below = await descend(directory, part, missing);
      directory[Symbol.dispose]();
      directory = below;
    }
    const opened = directory;
    const close = () => opened[Symbol.dispose]();
    if (parts.length > 0) return { directory, name: way.at(-1) ?? '.', path, [Symbol.dispose]: close };
    return await openRoot(directory, way.at(-1), path);
  } catch (error) {
    directory[Symbol.dispose]();
    throw error;
  }
}

/** A root is no name in what is above it: nothing is done to that. */
async function openRoot(above: DirectoryHandle, name: string | undefined, path: string): Promise<OpenPlace> {
  if (name === undefined)
    return { directory: above, name: '.', path, [Symbol.dispose]: () => above[Symbol.dispose]() };
  const directory = await descend(above, name);
  above[Symbol.dispose]();
  return { directory, name: '.', path, [Symbol.dispose]: () => directory[Symbol.dispose]() };
}

async function descend(
  directory: DirectoryHandle,
  name: string,
  missing?: MissingDirectories,
): Promise<DirectoryHandle> {
  try {
    return await directory.openDirectory(name);
  } catch (error) {
    if (missing && isSystemError(error, 'ENOENT')) return makeMissing(directory, name, missing);
    const path = joinPath(directory.path, name);
    if (error instanceof FileError) throw new FileError(`${path} ${error.message}`, { denied: error.denied });
    throw new FileError(`${path}: ${await explain(directory, name, error)}`, { cause: error });
  }
}

async function makeMissing(directory: DirectoryHandle, name: string, { mode, made }: MissingDirectories) {
  try {
    await directory.makeDirectory(name, mode);
    made(joinPath(directory.path, name), await directory.stat(name));
    await directory.sync();
  } catch (error) {
    // Somebody else may have made it just now.
    if (!isSystemError(error, 'EEXIST')) throw error;
  }
  return directory.openDirectory(name);
}

async function explain(directory: DirectoryHandle, name: string, error: unknown): Promise<string> {
  if (!isSystemError(error, 'ENOTDIR')) return describeFileError(error);
  const stats: BigIntStats | undefined = await directory.stat(name).catch(() => undefined);
  if (!stats?.isSymbolicLink()) return 'is not a directory';
  const target = await directory.readLink(name).catch(() => Buffer.alloc(0));
  return `is a symbolic link to ${JSON.stringify(target.toString())}, and links are not followed`;
}
