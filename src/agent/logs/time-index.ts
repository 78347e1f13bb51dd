/**
 * When an attempt's output was written: entries, each of which says that at this time the outputs were so long. So the bytes
 * between two entries were written after the time of the first and by that of the second. Pure; the file is
 * time-index-writer.ts and time-index-reader.ts.
 *
 * FORMAT. A header of the size of an entry, then entries of three little-endian IEEE doubles: milliseconds since 1970, bytes of
 * stdout, bytes of stderr. Sizes never shrink from entry to entry. Times are what the node's clock said, so they may.
 */
import { type OutputName, type OutputSizes, outputNames } from './outputs.ts';

/** At this time the outputs were so long. */
export interface TimeEntry extends OutputSizes {
  /** Wall clock of the node, milliseconds. */
  readonly timeMs: number;
}

/** Bytes of an entry, and of the header. */
export const entryBytes = 24;

/** What an index begins with; another format has another number. */
export const indexHeader: Buffer = Buffer.alloc(entryBytes);
indexHeader.write('drover times 1\n');

const doubleBytes = 8;

/** Entries as they stand in the file. */
export function encodeEntries(entries: readonly TimeEntry[]): Buffer {
  const bytes = Buffer.allocUnsafe(entries.length * entryBytes);
  for (const [i, { timeMs, stdout, stderr }] of entries.entries()) {
    const at = i * entryBytes;
    bytes.writeDoubleLE(timeMs, at);
    bytes.writeDoubleLE(stdout, at + doubleBytes);
    bytes.writeDoubleLE(stderr, at + 2 * doubleBytes);
  }
  return bytes;
}

/** The whole entries in `bytes`, up to the first that cannot be one. */
export function decodeEntries(bytes: Buffer): TimeEntry[] {
  const entries: TimeEntry[] = [];
  for (let at = 0; at + entryBytes <= bytes.length; at += entryBytes) {
    const entry = {
      timeMs: bytes.readDoubleLE(at),
      stdout: bytes.readDoubleLE(at + doubleBytes),
      stderr: bytes.readDoubleLE(at + 2 * doubleBytes),
    };
    if (!isEntry(entry)) break;
    entries.push(entry);
  }
  return entries;
}

function isEntry({ timeMs, stdout, stderr }: TimeEntry): boolean {
  return [timeMs, stdout, stderr].every((value) => Number.isSafeInteger(value) && value >= 0);
}

/** Whether an entry speaks of bytes that lie behind these sizes. */
export function isBeyond(entry: OutputSizes, sizes: OutputSizes): boolean {
  return entry.stdout > sizes.stdout || entry.stderr > sizes.stderr;
}

/** How a file was found at a look. */
export interface FileLook {
  readonly size: number;
  /** When it was last written, milliseconds. */
  readonly mtimeMs: number;
}

/**
 * The entries that a look at both files adds after `last`: none, one, or two where both have grown and the files' times say
 * which one was written last.
 *
 * @param nowMs when the look was; undefined where nobody looked when they were written: then the files' times count.
 */
export function entriesOfLook(
  last: OutputSizes,
  looks: Readonly<Record<OutputName, FileLook>>,
  nowMs: number | undefined,
): TimeEntry[] {
  const grown = outputNames
    .filter((name) => looks[name].size > last[name])
    .sort((a, b) => looks[a].mtimeMs - looks[b].mtimeMs);
  const entries: TimeEntry[] = [];
  let { stdout, stderr } = last;
  for (const [i, name] of grown.entries()) {
    const { size, mtimeMs } = looks[name];
    if (name === 'stdout') stdout = size;
    else stderr = size;
    const next = grown[i + 1];
    if (next && looks[next].mtimeMs === mtimeMs) continue;
    entries.push({ timeMs: nowMs ?? Math.max(0, Math.round(mtimeMs)), stdout, stderr });
  }
  return entries;
}

/**
 * Fewer entries, at most half of `entriesMax`, where there were more than that: neighbours become one, the later of them, as long
 * as all that become one lie within a span of time. That is the least power of two of 20 ms that suffices, and no byte's time
 * is wrong by more. The newest quarter stays as it is.
 */
export function thinEntries(entries: readonly TimeEntry[], entriesMax: number): readonly TimeEntry[] {
  const goal = Math.floor(entriesMax / 2);
  if (entries.length <= goal) return entries;
  const recent = entries.slice(-Math.floor(entriesMax / 4));
  const old = entries.slice(0, -recent.length);
  for (let spanMs = 20; ; spanMs *= 2) {
    const thinned = joinWithin(old, spanMs);
    if (thinned.length + recent.length <= goal) return [...thinned, ...recent];
  }
}

/** One entry for each stretch of entries whose times lie within `spanMs`. */
function joinWithin(entries: readonly TimeEntry[], spanMs: number): TimeEntry[] {
  const joined: TimeEntry[] = [];
  let firstMs = 0;
  for (const [i, entry] of entries.entries()) {
    if (i > 0 && Math.abs(entry.timeMs - firstMs) <= spanMs) joined[joined.length - 1] = entry;
    else {
      joined.push(entry);
      firstMs = entry.timeMs;
    }
  }
  return joined;
}
