/**
 * Makes a directory and what is missing above it, each level by a call of its own: the recursive form of Node.js never
 * returns where the level above exists and the system still says ENOENT, as beneath /proc.
 */
import { accessSync, constants, existsSync, mkdirSync, statSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { getSystemErrorMessage } from 'node:util';

/** A directory cannot be made or used. The message is one line with the reason. */
export class DirectoryError extends Error {
  override readonly name = 'DirectoryError';
}

/**
 * Makes `path` (0700, as all that is missing above it). That it is there already is no failure.
 *
 * @throws DirectoryError when that is refused, something on the way is no directory, or it cannot be written in.
 */
export function makeDirectory(path: string): void {
  const missing: string[] = [];
  let level = resolve(path);
  for (; !existsSync(level); level = dirname(level)) missing.unshift(level);
  requireDirectory(level);
  for (const directory of missing) makeOne(directory);
  try {
    accessSync(path, constants.W_OK | constants.X_OK);
  } catch (error) {
    throw new DirectoryError(`cannot write in the directory ${path}: ${reason(error)}`);
  }
}

function requireDirectory(path: string): void {
  if (!statSync(path).isDirectory()) throw new DirectoryError(`${path} is a file, not a directory`);
}

function makeOne(path: string): void {
  try {
    mkdirSync(path, { mode: 0o700 });
  } catch (error) {
    // Somebody else may have made it just now.
    if (statSync(path, { throwIfNoEntry: false })?.isDirectory()) return;
    throw new DirectoryError(`cannot make the directory ${path}: ${reason(error)}`);
  }
}

function reason(error: unknown): string {
  const { errno, message } = error as NodeJS.ErrnoException;
  return errno === undefined ? message : getSystemErrorMessage(errno);
}
