/**
 * Reads the index of times of an attempt in blocks, however long it is. It may grow, be thinned, or not be there: one that
 * cannot be read is as good as none, since output without times is better than no output.
 */
import { type FileHandle, open } from 'node:fs/promises';
import { noBytes, type OutputSizes } from './outputs.ts';
import { decodeEntries, entryBytes, indexHeader, isBeyond, type TimeEntry } from './time-index.ts';

/** Entries that are read at once. */
const blockEntries = 512;

/** Of which every entry speaks of more. */
const nothingYet: OutputSizes = { stdout: -1, stderr: -1 };

/** The index in a file. */
export class TimeIndexReader {
  readonly #path: string;

  constructor(path: string) {
    this.#path = path;
  }

  /**
   * What is there of bytes behind `sizes`, in blocks, to the end that the index has when it is reached. The first block may
   * have entries before them.
   */
  async *after(sizes: OutputSizes): AsyncGenerator<readonly TimeEntry[]> {
    await using file = await openIndex(this.#path);
    if (!file) return;
    for (let at = await findBlock(file, sizes); ; ) {
      const entries = await readEntries(file, at, blockEntries);
      if (entries.length === 0) return;
      yield entries;
      at += entries.length;
    }
  }

  /** The last entry; undefined where there is none. */
  async last(): Promise<TimeEntry | undefined> {
    await using file = await openIndex(this.#path);
    if (!file) return undefined;
    const { size } = await file.stat();
    const entries = await readEntries(file, Math.max(0, Math.floor(size / entryBytes) - 2), 1);
    return entries[0];
  }

  /**
   * How long the outputs were at `timeMs`: the entry before the first of that time or later, in the index and in `more` after
   * it. Undefined where all are earlier. Looks through them one by one: a clock that was set back leaves times among which no
   * search by halves would find it.
   */
  async sizesAt(timeMs: number, more: readonly TimeEntry[]): Promise<OutputSizes | undefined> {
    let before: OutputSizes = noBytes;
    const search = (entries: readonly TimeEntry[]): OutputSizes | undefined => {
      for (const entry of entries) {
        if (entry.timeMs >= timeMs) return before;
        before = entry;
      }
      return undefined;
    };
    for await (const entries of this.after(nothingYet)) {
      const found = search(entries);
      if (found) return found;
    }
    return search(more);
  }
}

/** The index, opened; undefined where there is none, or one of another format. */
async function openIndex(path: string): Promise<FileHandle | undefined> {
  const file = await open(path, 'r').catch(() => undefined);
  if (!file) return undefined;
  if ((await readAt(file, 0, entryBytes)).equals(indexHeader)) return file;
  await file.close();
  return undefined;
}

/** Number of an entry that is at most a block before the first that speaks of bytes behind `sizes`. */
async function findBlock(file: FileHandle, sizes: OutputSizes): Promise<number> {
  const { size } = await file.stat();
  let low = 0;
  let high = Math.max(0, Math.floor(size / entryBytes) - 1);
  // The last block first: there is what a reader that follows wants.
  for (let middle = high - blockEntries; high - low > blockEntries; middle = Math.floor((low + high) / 2)) {
    const [entry] = await readEntries(file, middle, 1);
    if (entry && !isBeyond(entry, sizes)) low = middle + 1;
    else high = middle;
  }
  return low;
}

async function readEntries(file: FileHandle, first: number, count: number): Promise<TimeEntry[]> {
  return decodeEntries(await readAt(file, (first + 1) * entryBytes, count * entryBytes));
}

async function readAt(file: FileHandle, at: number, length: number): Promise<Buffer> {
  const buffer = Buffer.allocUnsafe(length);
  const { bytesRead } = await file.read(buffer, 0, length, at).catch(() => ({ bytesRead: 0 }));
  return buffer.subarray(0, bytesRead);
}
