/**
 * One process a directory. The lock is the kernel's (SQLite's own, on a file beside the data), so it goes with the
 * process however that ends; who holds it stands in a second file, for people.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { makeDirectory } from './make-directory.ts';

/** The directory is in use by another process. */
export class DirectoryInUseError extends Error {
  override readonly name = 'DirectoryInUseError';
}

/**
 * Takes `directory` for this process, making it (0700) if need be. Dispose of the result to give it back.
 *
 * @param purpose what holds it, as "drover up" or "drover agent"; the other process's error names it.
 * @throws DirectoryInUseError when another process has it. DirectoryError when it cannot be made or used.
 */
export function lockDirectory(directory: string, purpose: string): Disposable {
  makeDirectory(directory);
  const holderPath = join(directory, 'lock.holder');
  const lock = new DatabaseSync(join(directory, 'lock'), { timeout: 0 });
  try {
    lock.exec('PRAGMA journal_mode = MEMORY; BEGIN EXCLUSIVE');
  } catch (error) {
    lock.close();
    if ((error as { errcode?: number }).errcode !== 5) throw error;
    throw new DirectoryInUseError(`${directory} is in use by ${readHolder(holderPath)}`);
  }
  writeFileSync(holderPath, `${purpose} (pid ${process.pid})\n`, { mode: 0o600 });
  return { [Symbol.dispose]: () => lock.close() };
}

function readHolder(path: string): string {
  try {
    return readFileSync(path, 'utf8').trim() || 'another process';
  } catch {
    return 'another process';
  }
}
