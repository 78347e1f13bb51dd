/** Where a tree goes, decided from what is there. @see PutFiles in file.proto */
import type { DirectoryHandle } from './directory-handle.ts';
import { FileError, isSystemError } from './file-error.ts';
import type { SinkTarget } from './sink-options.ts';

/** A target, and what was opened for it. */
export interface SettledTarget extends SinkTarget, Disposable {}

/**
 * A directory `name` in `parent` takes the tree into it; otherwise the single top entry takes that name, unless
 * `intoDirectory` says that a directory is meant. `parent` stays the caller's, and open until the target is disposed of.
 *
 * @throws FileError for a link, which would be followed or replaced, and nobody knows which is meant; the system's error.
 */
export async function settleTarget(
  parent: DirectoryHandle,
  name: string,
  intoDirectory: boolean,
): Promise<SettledTarget> {
  try {
    const directory = await parent.openDirectory(name);
    return { directory, [Symbol.dispose]: () => directory[Symbol.dispose]() };
  } catch (error) {
    if (!isSystemError(error, 'ENOENT', 'ENOTDIR')) throw error;
    if (isSystemError(error, 'ENOTDIR') && (await parent.stat(name)).isSymbolicLink()) {
      const to = (await parent.readLink(name)).toString();
      throw new FileError(`is a symbolic link to ${JSON.stringify(to)}, and links are not followed`);
    }
    if (intoDirectory) throw error;
    return { directory: parent, as: name, [Symbol.dispose]: () => {} };
  }
}
