/** The last step of a file that is received: what its target is now, its attributes, and the rename over it. */
import type { BigIntStats } from 'node:fs';
import type { FileEntry } from '#protocol/gen/drover/v1/file_pb.ts';
import { changeMode, changeOwner, changeTimes } from './descriptors.ts';
import { type DirectoryHandle, describeIrregular } from './directory-handle.ts';
import { FileError, isSystemError } from './file-error.ts';
import { newPartName, releasePartName } from './part-name.ts';
import { planFileMode, type SinkOptions, secondsOf } from './sink-options.ts';

/**
 * What a file or link would replace; undefined where there is nothing.
 *
 * @throws FileError for what is never replaced: directories, devices, pipes, sockets, what the guard refuses.
 */
export async function findReplaced(handle: DirectoryHandle, name: string): Promise<BigIntStats | undefined> {
  let stats: BigIntStats;
  try {
    stats = await handle.stat(name);
  } catch (error) {
    if (isSystemError(error, 'ENOENT')) return undefined;
    throw error;
  }
  if (!stats.isFile() && !stats.isSymbolicLink()) throw new FileError(`${describeIrregular(stats)} there`);
  const refusal = handle.guard?.refuses(stats);
  if (refusal !== undefined) throw new FileError(refusal, { denied: true });
  return stats;
}

/** Gives an open file its owner, mode and time, in this order: another owner takes set-uid away. @throws the system's error. */
export async function setFileAttributes(
  file: number,
  entry: FileEntry,
  options: SinkOptions,
  umaskApplied: boolean,
): Promise<void> {
  const { owner, preserve } = options;
  const { mode, exact } = planFileMode(entry, options);
  if (owner) await changeOwner(file, owner.uid, owner.gid);
  if (exact || !umaskApplied) await changeMode(file, exact ? mode : mode & ~process.umask());
  if (!preserve) return;
  const seconds = secondsOf(entry);
  await changeTimes(file, seconds, seconds);
}

/**
 * Gives what is called `part` the name `name`, at once. With `backup` what has that name gets another first, by a second name
 * and not by a rename: so `name` is never missing.
 *
 * @throws the system's error, or FileError; `name` is then as it was.
 */
export async function putInPlace(
  handle: DirectoryHandle,
  part: string,
  name: string,
  backup: boolean,
): Promise<void> {
  if (backup) {
    const second = newPartName(name, 'tmp');
    try {
      await handle.addName(name, second);
      await handle.rename(second, `${name}~`);
      // Two names of one file are not renamed: it has that backup already.
      await handle.removeFile(second).catch(() => {});
    } catch (error) {
      await handle.removeFile(second).catch(() => {});
      throw new FileError('its backup cannot be made', { cause: error });
    } finally {
      releasePartName(second);
    }
  }
  await handle.rename(part, name);
}
