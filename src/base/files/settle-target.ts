/** Where a tree goes, decided from what is there. @see PutFiles in file.proto */
import type { DirectoryHandle } from './directory-handle.ts';
import { FileError, isSystemError } from './file-error.ts';
import type { SinkTarget } from './sink-options.ts';

/** A target, and what was opened for it. */
export interface SettledTarget extends SinkTarget, Disposable {}

/** What the destination must be, where that does not depend on what is there. */
export interface TargetRule {
  /** A directory. */
  readonly intoDirectory: boolean;
  /** The single top entry itself. */
  readonly exact: boolean;
}

/**
 * A directory `name` in `parent` takes the tree into it; otherwise the single top entry takes that name. The rule says what is meant
 * in any case. `parent` stays the caller's, and open until the target is disposed of.
 *
 * @throws FileError for a link, which would be followed or replaced, and nobody knows which is meant; the system's error.
 */
export async function settleTarget(
  parent: DirectoryHandle,
  name: string,
  { intoDirectory, exact }: TargetRule,
): Promise<SettledTarget> {
  const asName = { directory: parent, as: name, [Symbol.dispose]: () => {} };
  try {
    const directory = await parent.openDirectory(name);
    if (!exact) return { directory, [Symbol.dispose]: () => directory[Symbol.dispose]() };
    directory[Symbol.dispose]();
    if (name === '.') throw new FileError('has no name that what is copied could take');
    return asName;
  } catch (error) {
    if (!isSystemError(error, 'ENOENT', 'ENOTDIR')) throw error;
    if (isSystemError(error, 'ENOTDIR') && (await parent.stat(name)).isSymbolicLink()) {
      const to = (await parent.readLink(name)).toString();
      throw new FileError(`is a symbolic link to ${JSON.stringify(to)}, and links are not followed`);
    }
    if (intoDirectory) throw error;
    return asName;
  }
}
