/** Orders that change what has which name: directories made, something moved. Everything in the handles of directories. */
import type { BigIntStats } from 'node:fs';
import { changeMode } from '#base/files/descriptors.ts';
import { type DirectoryHandle, joinPath } from '#base/files/directory-handle.ts';
import { FileError, isSystemError } from '#base/files/file-error.ts';
import { encodeEntry, kindOf } from '#base/files/walk-tree.ts';
import { FileKind, type MakeDirectories, type MoveFile } from '#protocol/gen/drover/v1/file_pb.ts';
import type { FilesUp } from '#protocol/gen/drover/v1/link_pb.ts';
import { answerFrame, problemFrame } from './file-answer.ts';
import type { FilePlaces } from './file-places.ts';
import type { OpenPlace } from './file-walk.ts';

/** Where nobody says; the umask is taken from it. */
const defaultMode = 0o777;

/** Makes directories; each that was made is told, those above before it. Never throws for a path: that is a problem. */
export async function* makeDirectories(
  { paths, parents, mode }: MakeDirectories,
  places: FilePlaces,
  abort: AbortSignal,
): AsyncGenerator<FilesUp> {
  let told = 0n;
  for (const path of paths) {
    if (abort.aborted) return;
    const made: FilesUp[] = [];
    const tell = (directory: string, stats: BigIntStats) => {
      made.push(answerFrame({ case: 'entry', value: encodeEntry(directory, stats, FileKind.DIRECTORY) }));
    };
    let problem: FilesUp | undefined;
    try {
      const missing = parents ? { mode: defaultMode, made: tell } : undefined;
      using place = await places.open(path, 'write', missing);
      if (await makeOne(place, mode, parents)) tell(place.path, await place.directory.stat(place.name));
    } catch (error) {
      problem = problemFrame(path, error);
    }
    yield* made;
    if (problem) yield problem;
    told += BigInt(made.length);
  }
  yield answerFrame({ case: 'done', value: told });
}

/** @returns whether it was made; false where it is there and may be. */
async function makeOne(
  { directory, name }: OpenPlace,
  mode: number | undefined,
  mayBeThere: boolean,
): Promise<boolean> {
  try {
    await directory.refuseName(name);
    await directory.makeDirectory(name, mode ?? defaultMode);
  } catch (error) {
    if (!isSystemError(error, 'EEXIST')) throw error;
    const isDirectory = (await directory.stat(name)).isDirectory();
    if (mayBeThere && isDirectory) return false;
    throw new FileError(isDirectory ? 'is there already' : 'is there already, and is no directory');
  }
  if (mode !== undefined) {
    using made = await directory.openDirectory(name);
    await made.withDescriptor((fd) => changeMode(fd, mode));
  }
  await directory.sync();
  return true;
}

/** Gives something another name. @throws FileError, or the system's error; nothing was moved then. */
export async function* moveFile({ from, to, force }: MoveFile, places: FilePlaces): AsyncGenerator<FilesUp> {
  using source = await places.open(from, 'write');
  places.requireNoRoot(source);
  const stats = await source.directory.stat(source.name);
  const refusal = places.guard.refuses(stats) ?? places.guard.refusesMoving(stats);
  if (refusal !== undefined) throw new FileError(refusal, { denied: true });
  await source.directory.refuseName(source.name);
  using asked = await places.open(to, 'write');
  using into = await openDirectory(asked);
  const target = into
    ? { directory: into, name: source.name }
    : { directory: asked.directory, name: asked.name };
  await requireFree(target.directory, target.name, force, places);
  try {
    if (force || stats.isDirectory()) {
      await source.directory.rename(source.name, target.name, target.directory);
    } else await renameToFree(source, target);
  } catch (error) {
    if (isSystemError(error, 'EEXIST')) throw isThere(target);
    if (isSystemError(error, 'EINVAL')) throw new FileError('cannot be moved into itself', { cause: error });
    if (isSystemError(error, 'EBUSY')) throw new FileError('is a mount point, or in use', { cause: error });
    throw error;
  }
  await target.directory.sync();
  await source.directory.sync();
  const path = joinPath(target.directory.path, target.name);
  yield answerFrame({ case: 'entry', value: encodeEntry(path, stats, kindOf(stats)) });
  yield answerFrame({ case: 'done', value: 1n });
}

/** The directory of that name; undefined for anything else. */
async function openDirectory({ directory, name }: OpenPlace): Promise<DirectoryHandle | undefined> {
  try {
    return await directory.openDirectory(name);
  } catch (error) {
    if (isSystemError(error, 'ENOENT', 'ENOTDIR')) return undefined;
    throw error;
  }
}

/** A name in an open directory. */
type Name = Pick<OpenPlace, 'directory' | 'name'>;

/**
 * A second name is refused where there is one already, while a new name replaces it without asking. So whoever makes the same name in
 * this very moment keeps it. A kill in between leaves both names. What has no second names is renamed: that of a directory replaces no
 * more than an empty one; of a file, where the file system knows none or the system allows none, whatever is made in that moment.
 */
async function renameToFree(source: Name, target: Name): Promise<void> {
  try {
    await source.directory.addName(source.name, target.name, target.directory);
  } catch (error) {
    if (!isSystemError(error, 'EPERM', 'EOPNOTSUPP', 'EMLINK')) throw error;
    return source.directory.rename(source.name, target.name, target.directory);
  }
  await target.directory.sync();
  const [left, moved] = [await source.directory.stat(source.name), await target.directory.stat(target.name)];
  // Somebody has put another in its place: that is not ours to remove.
  if (left.dev !== moved.dev || left.ino !== moved.ino) return;
  await source.directory.removeFile(source.name);
}

function isThere({ directory, name }: Name): FileError {
  return new FileError(`${joinPath(directory.path, name)} is there already`);
}

/** Looked at before: a rename replaces without asking, and a refusal says more. */
async function requireFree(
  directory: DirectoryHandle,
  name: string,
  force: boolean,
  { guard }: FilePlaces,
): Promise<void> {
  try {
    const stats = await directory.stat(name);
    const refusal = guard.refuses(stats);
    if (refusal !== undefined) throw new FileError(refusal, { denied: true });
    if (!force) throw isThere({ directory, name });
  } catch (error) {
    if (!isSystemError(error, 'ENOENT')) throw error;
  }
}
