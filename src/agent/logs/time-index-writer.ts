/**
 * Keeps the index of times of an attempt that is not over. Entries wait in memory until `flush`; the file is open only
 * while it is written, since a node may have thousands. Writing is synchronous: some hundred bytes into the page cache.
 */
import { closeSync, openSync, readFileSync, renameSync, writeFileSync, writeSync } from 'node:fs';
import {
  decodeEntries,
  encodeEntries,
  entryBytes,
  indexHeader,
  type TimeEntry,
  thinEntries,
} from './time-index.ts';

/** Entries that wait while the disk takes none, before they are thinned. */
const waitingMax = 1_024;

/** The index of one attempt. */
export class TimeIndexWriter {
  readonly #path: string;
  readonly #entriesMax: number;
  /** Entries that are whole in the file; what lies behind them is written over. Undefined before there is a file. */
  #written: number | undefined;
  #waiting: TimeEntry[] = [];

  /** @param entriesMax above it the file is thinned. */
  constructor(path: string, entriesMax: number) {
    this.#path = path;
    this.#entriesMax = entriesMax;
  }

  /** Goes on with the file that an earlier agent left. @returns its last entry. A file that is no index is written anew. */
  resume(): TimeEntry | undefined {
    const entries = this.#readAll();
    this.#written = entries?.length;
    return entries?.at(-1);
  }

  /** Entries that are not in the file. */
  get waiting(): readonly TimeEntry[] {
    return this.#waiting;
  }

  /** Adds entries; they wait. */
  add(entries: readonly TimeEntry[]): void {
    this.#waiting.push(...entries);
    if (this.#waiting.length > waitingMax) this.#waiting = [...thinEntries(this.#waiting, waitingMax)];
  }

  /** Writes what waits. @throws the system's error; it then waits on. */
  flush(): void {
    if (this.#waiting.length === 0) return;
    const written = this.#written ?? 0;
    if (written + this.#waiting.length > this.#entriesMax) this.#thin();
    else this.#append(written);
    this.#waiting = [];
  }

  #append(written: number): void {
    const bytes = encodeEntries(this.#waiting);
    const file = openSync(this.#path, this.#written === undefined ? 'w' : 'r+', 0o600);
    try {
      if (this.#written === undefined) writeAll(file, indexHeader, 0);
      writeAll(file, bytes, (written + 1) * entryBytes);
    } finally {
      closeSync(file);
    }
    this.#written = written + this.#waiting.length;
  }

  #thin(): void {
    const thinned = thinEntries([...(this.#readAll() ?? []), ...this.#waiting], this.#entriesMax);
    const temporary = `${this.#path}.new`;
    writeFileSync(temporary, Buffer.concat([indexHeader, encodeEntries(thinned)]), { mode: 0o600 });
    renameSync(temporary, this.#path);
    this.#written = thinned.length;
  }

  #readAll(): TimeEntry[] | undefined {
    const bytes = readIfThere(this.#path);
    if (!bytes?.subarray(0, entryBytes).equals(indexHeader)) return undefined;
    return decodeEntries(bytes.subarray(entryBytes)).slice(0, this.#written);
  }
}

function writeAll(file: number, bytes: Buffer, at: number): void {
  for (let done = 0; done < bytes.length; ) {
    done += writeSync(file, bytes, done, bytes.length - done, at + done);
  }
}

function readIfThere(path: string): Buffer | undefined {
  try {
    return readFileSync(path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}
