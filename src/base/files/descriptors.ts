/** The system's calls on descriptors as promises: numbers cost a third of what Node.js' FileHandle does, of which a copy opens many. */
import fs from 'node:fs';
import { promisify } from 'node:util';

/** open(2). @throws the system's error. */
export const openFile = promisify(fs.open) as (path: string, flags: number, mode?: number) => Promise<number>;
/** close(2). @throws the system's error. */
export const closeFile = promisify(fs.close);
/** fsync(2). @throws the system's error. */
export const syncFile = promisify(fs.fsync);
/** ftruncate(2). @throws the system's error. */
export const truncateFile = promisify(fs.ftruncate);
/** fchmod(2). @throws the system's error. */
export const changeMode = promisify(fs.fchmod);
/** fchown(2); -1 leaves the owner or the group as it is. @throws the system's error. */
export const changeOwner = promisify(fs.fchown);
/** futimens(2), in seconds. @throws the system's error. */
export const changeTimes = promisify(fs.futimes);

/**
 * close(2) at once, for what was only read, or synced: that waits for no disk, while handing it to a thread and back costs ten
 * times as much as it does. @throws the system's error.
 */
export const closeNow = fs.closeSync;

/** fstat(2) at once, exactly, for what was opened or read just now: the answer is in memory. @throws the system's error. */
export function statNow(file: number): fs.BigIntStats {
  return fs.fstatSync(file, { bigint: true });
}

/** fstat(2), exactly. @throws the system's error. */
export function statFile(file: number): Promise<fs.BigIntStats> {
  return new Promise((resolve, reject) => {
    fs.fstat(file, { bigint: true }, (error, stats) => (error ? reject(error) : resolve(stats)));
  });
}

/** Reads into all of `into` from `offset` on; fewer bytes only at the end of the file. @throws the system's error. */
export async function readFully(file: number, into: Buffer, offset: number): Promise<number> {
  let count = 0;
  while (count < into.length) {
    const read = await readSome(file, into, count, offset + count);
    if (read === 0) break;
    count += read;
  }
  return count;
}

/** Writes all of `data` at `offset`. @throws the system's error. */
export async function writeFully(file: number, data: Uint8Array, offset: number): Promise<void> {
  for (let done = 0; done < data.length; ) done += await writeSome(file, data, done, offset + done);
}

function readSome(file: number, into: Buffer, from: number, offset: number): Promise<number> {
  return new Promise((resolve, reject) => {
    fs.read(file, into, from, into.length - from, offset, (error, count) =>
      error ? reject(error) : resolve(count),
    );
  });
}

function writeSome(file: number, data: Uint8Array, from: number, offset: number): Promise<number> {
  return new Promise((resolve, reject) => {
    fs.write(file, data, from, data.length - from, offset, (error, count) =>
      error ? reject(error) : resolve(count),
    );
  });
}
