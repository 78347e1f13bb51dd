/**
 * One process a directory. The lock is the kernel's (SQLite's own, on a file beside the data), so it goes with the
 * process however that ends; who holds it stands in a second file, for people.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { DirectoryError, makeDirectory } from './make-directory.ts';

/** SQLite's code for a lock that somebody else has. @see https://www.sqlite.org/rescode.html#busy */
const busy = 5;

/** The directory is in use by another process. */
export class DirectoryInUseError extends Error {
  override readonly name = 'DirectoryInUseError';
}

/**
 * Takes `directory` for this process, making it (0700) if need be. Dispose of the result to give it back.
 *
 * @param purpose what holds it, as "drover up" or "drover agent"; the other process's error names it.
 * @throws DirectoryInUseError when another process has it. DirectoryError when it cannot be made or used, or its lock is
 *   damaged.
 */
export function lockDirectory(directory: string, purpose: string): Disposable {
  makeDirectory(directory);
  const holderPath = join(directory, 'lock.holder');
  const lockPath = join(directory, 'lock');
  const lock = open(lockPath);
  try {
    lock.exec('PRAGMA journal_mode = MEMORY; BEGIN EXCLUSIVE');
  } catch (error) {
    lock.close();
    if ((error as { errcode?: number }).errcode !== busy) throw unusable(lockPath, error);
    throw new DirectoryInUseError(`${directory} is in use by ${readHolder(holderPath)}`);
  }
  writeFileSync(holderPath, `${purpose} (pid ${process.pid})\n`, { mode: 0o600 });
  return { [Symbol.dispose]: () => lock.close() };
}

function open(path: string): DatabaseSync {
  try {
    return new DatabaseSync(path, { timeout: 0 });
  } catch (error) {
    throw unusable(path, error);
  }
}

/** Nothing is kept in the file: whoever removes it while no daemon runs has lost nothing. */
function unusable(path: string, error: unknown): DirectoryError {
  return new DirectoryError(`${path} cannot be locked and is to be removed: ${(error as Error).message}`);
}

function readHolder(path: string): string {
  try {
    return readFileSync(path, 'utf8').trim() || 'another process';
  } catch {
    return 'another process';
  }
}
