/** Whose output a reader reads: an attempt that is kept, or one that has ended. */
import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { readFloors } from './floor-file.ts';
import { floorName, noBytes, type OutputName, type OutputSizes, timesName } from './outputs.ts';
import { entriesOfLook, type FileLook, type TimeEntry } from './time-index.ts';
import { TimeIndexReader } from './time-index-reader.ts';

/** Whose output is read. */
export interface LogOrigin {
  /** Number of the attempt. */
  readonly attempt: number;
  /** Aborts when nothing of the attempt is left, so that the files do not grow any more. */
  readonly over: AbortSignal;
  readonly log: ReadableLog;
}

/** The output of an attempt for its readers. A KeptLog is one. */
export interface ReadableLog {
  readonly directory: string;
  /** How long the outputs were at the last look. */
  readonly sizes: OutputSizes;
  /** How much of their beginnings is gone; known before the bytes go. */
  readonly floors: OutputSizes;
  /** Entries of the index that are not in its file, after those that are. */
  readonly unwritten: readonly TimeEntry[];
  /** Counts the looks that found something new. */
  readonly growth: number;
  /** Looks, so that what was written before this is in `sizes`. @returns whether something was new. */
  look(): boolean;
  /** Somebody waits for each byte until the result is disposed of: it is looked at whenever something is written. */
  awaited(): Disposable;
  /**
   * Until the result is disposed of, somebody follows: what lies beyond the offsets that he is at is given back to the disk
   * later than else.
   */
  followed(offsetOf: (name: OutputName) => number): Disposable;
  /** Resolves when `growth` is not `seen` any more, or when `until` aborts. */
  grown(seen: number, until: AbortSignal): Promise<void>;
}

/** What is over is not watched, and grows no more. */
const nothing: Disposable = { [Symbol.dispose]() {} };

/** The output of an attempt that is over: what was never looked at counts as written when its file last was. @throws the system's error. */
export async function readEndedLog(directory: string): Promise<ReadableLog> {
  const floors = await readFloors(join(directory, floorName));
  const last = await new TimeIndexReader(join(directory, timesName)).last();
  const looks = { stdout: await lookAt(directory, 'stdout'), stderr: await lookAt(directory, 'stderr') };
  const unwritten = entriesOfLook(last ?? noBytes, looks, undefined);
  return {
    directory,
    sizes: { stdout: looks.stdout.size, stderr: looks.stderr.size },
    floors,
    unwritten,
    growth: 0,
    look: () => false,
    awaited: () => nothing,
    followed: () => nothing,
    grown: async () => {},
  };
}

async function lookAt(directory: string, name: OutputName): Promise<FileLook> {
  return await stat(join(directory, name)).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return { size: 0, mtimeMs: 0 };
    throw error;
  });
}
