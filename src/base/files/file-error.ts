/** What goes wrong with one file, in one line for a person. The path stands beside the line and never in it. */
import { constants } from 'node:os';
import { getSystemErrorMap } from 'node:util';

const words = getSystemErrorMap();
const {
  EACCES,
  EDQUOT,
  EISDIR,
  ELOOP,
  ENAMETOOLONG,
  ENOENT,
  ENOSPC,
  ENOTDIR,
  ENOTEMPTY,
  EPERM,
  EROFS,
  EXDEV,
} = constants.errno;

/** Where the system's own words would puzzle, or say less than is known. */
const ownWords: Readonly<Record<number, string>> = {
  [EACCES]: 'permission denied',
  [EDQUOT]: 'disk quota exceeded',
  [EISDIR]: 'is a directory',
  [ELOOP]: 'is a symbolic link, and links are not followed',
  [ENAMETOOLONG]: 'name too long',
  [ENOENT]: 'no such file or directory',
  [ENOSPC]: 'no space left on the device',
  [ENOTDIR]: 'is not a directory',
  [ENOTEMPTY]: 'directory is not empty',
  [EPERM]: 'operation not permitted',
  [EROFS]: 'file system is read-only',
  [EXDEV]: 'is on another file system',
};

/** Something that cannot be done with one file. The message is one line without its path. */
export class FileError extends Error {
  override readonly name = 'FileError';
  /** Whether a policy forbids it. */
  readonly denied: boolean;

  constructor(message: string, options?: ErrorOptions & { readonly denied?: boolean }) {
    super(message, options);
    this.denied = options?.denied ?? false;
  }
}

/** The other side of a stream of files broke its rules, or went away: nothing more can be said of any entry. */
export class FileStreamError extends Error {
  override readonly name = 'FileStreamError';
}

/** An entry is not received any more, and whoever has to know knows why. */
export class WithdrawnError extends Error {
  override readonly name = 'WithdrawnError';
}

/** The line for `error`. */
export function describeFileError(error: unknown): string {
  const { errno, message } = error as NodeJS.ErrnoException;
  if (errno === undefined) return message;
  return ownWords[-errno] ?? words.get(errno)?.[1] ?? message;
}

/** Whether `error` is the system's, with that name, as "ENOENT". */
export function isSystemError(error: unknown, ...codes: readonly string[]): boolean {
  return codes.includes((error as NodeJS.ErrnoException | undefined)?.code ?? '');
}
