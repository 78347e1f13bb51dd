/**
 * Tells what is in a regular file: all of it, its beginning, its end, and on as it grows. Follows the name: when another file
 * takes it, what is left of the old one is read first. Holds one block; looks for growth by time, since files of the kernel and
 * of other hosts announce nothing.
 */
import type { BigIntStats } from 'node:fs';
import { type Clock, delay } from '#base/clock.ts';
import { closeNow, readFully, statFile } from '#base/files/descriptors.ts';
import { FileError, isSystemError } from '#base/files/file-error.ts';
import type { ReadFile } from '#protocol/gen/drover/v1/file_pb.ts';
import type { FilesUp } from '#protocol/gen/drover/v1/link_pb.ts';
import { limits } from '#protocol/limits.ts';
import { answerFrame, problemFrame } from './file-answer.ts';
import type { FilePlaces } from './file-places.ts';
import type { OpenPlace } from './file-walk.ts';

/** How often a file that is followed is looked at. */
const lookMs = 250;
const blockBytes = limits.logChunkBytesMax;
const newline = 0x0a;

/** @throws FileError for an order that contradicts itself. */
export function requireReadable({ headLines, tailLines, headBytes, tailBytes, follow }: ReadFile): void {
  const parts = [headLines, tailLines, headBytes, tailBytes].filter((part) => part > 0n);
  if (parts.length > 1) throw new FileError('only one of head and tail can be read, in lines or in bytes');
  if (follow && (headLines > 0n || headBytes > 0n))
    throw new FileError('the beginning of a file cannot be followed');
}

/** Carries the order out; with `follow` until `abort` aborts, without an error. @throws the system's error, or FileError. */
export async function* readFile(
  order: ReadFile,
  places: FilePlaces,
  clock: Clock,
  abort: AbortSignal,
): AsyncGenerator<FilesUp> {
  using place = await places.open(order.path, 'read');
  const { file, stats } = await place.directory.openFile(place.name);
  using reading = new Reading(order, place, file, stats);
  yield* reading.readOnce(abort);
  while (order.follow && (await waited(clock, abort))) yield* reading.readOn(abort);
  if (!order.follow) yield answerFrame({ case: 'done', value: 1n });
}

async function waited(clock: Clock, abort: AbortSignal): Promise<boolean> {
  try {
    await delay(clock, lookMs, abort);
    return true;
  } catch {
    return false;
  }
}

class Reading implements Disposable {
  readonly #order: ReadFile;
  readonly #place: OpenPlace;
  #file: number;
  #stats: BigIntStats;
  #offset = 0;

  constructor(order: ReadFile, place: OpenPlace, file: number, stats: BigIntStats) {
    this.#order = order;
    this.#place = place;
    this.#file = file;
    this.#stats = stats;
  }

  [Symbol.dispose](): void {
    closeNow(this.#file);
  }

  /** What was asked for of what is there now. */
  async *readOnce(abort: AbortSignal): AsyncGenerator<FilesUp> {
    const { headLines, headBytes, tailBytes, tailLines } = this.#order;
    const size = Number(this.#stats.size);
    // Files of /proc have no size, and an end nevertheless.
    const end = size > 0 ? size : Number.POSITIVE_INFINITY;
    if (tailBytes > 0n) this.#offset = Math.max(0, size - Number(tailBytes));
    if (tailLines > 0n) this.#offset = await findTail(this.#file, size, Number(tailLines));
    let lines = headLines > 0n ? Number(headLines) : Number.POSITIVE_INFINITY;
    for await (const block of this.#blocks(headBytes > 0n ? Math.min(end, Number(headBytes)) : end, abort)) {
      const cut = Number.isFinite(lines) ? endOfLines(block, lines) : { end: block.length, lines: 0 };
      yield answerFrame({ case: 'data', value: block.subarray(0, cut.end) });
      lines -= cut.lines;
      if (lines <= 0) return;
    }
  }

  /** What came since, of this file and of one that has its name by now. */
  async *readOn(abort: AbortSignal): AsyncGenerator<FilesUp> {
    // Asked before the rest is read: whoever renames a file may still write to it for a moment.
    const next = await this.#findNext();
    const { size } = await statFile(this.#file);
    if (Number(size) < this.#offset) {
      this.#offset = 0;
      yield problemFrame(this.#order.path, new FileError('was cut short: it goes on from its start'));
    }
    yield* this.#rest(abort);
    if (!next) return;
    closeNow(this.#file);
    this.#file = next.file;
    this.#stats = next.stats;
    this.#offset = 0;
    yield problemFrame(
      this.#order.path,
      new FileError('another file has its name: that is read from its start'),
    );
    yield* this.#rest(abort);
  }

  async *#rest(abort: AbortSignal): AsyncGenerator<FilesUp> {
    for await (const block of this.#blocks(Number.POSITIVE_INFINITY, abort)) {
      yield answerFrame({ case: 'data', value: block });
    }
  }

  async *#blocks(end: number, abort: AbortSignal): AsyncGenerator<Buffer> {
    while (this.#offset < end && !abort.aborted) {
      const block = Buffer.allocUnsafe(Math.min(blockBytes, end - this.#offset));
      const count = await readFully(this.#file, block, this.#offset);
      if (count === 0) return;
      this.#offset += count;
      yield block.subarray(0, count);
    }
  }

  /** Another file that has the name now; undefined while it is the same, or there is none. */
  async #findNext(): Promise<{ file: number; stats: BigIntStats } | undefined> {
    const { directory, name } = this.#place;
    try {
      const { dev, ino } = await directory.stat(name);
      if (dev === this.#stats.dev && ino === this.#stats.ino) return undefined;
      return await directory.openFile(name);
    } catch (error) {
      // It comes back when whoever rotates it has made the next one.
      if (isSystemError(error, 'ENOENT')) return undefined;
      throw error;
    }
  }
}

/** Where the last `lines` lines of a file of `size` bytes begin; a line that is not ended is one. */
async function findTail(file: number, size: number, lines: number): Promise<number> {
  const block = Buffer.allocUnsafe(blockBytes);
  let missing = lines;
  for (let end = size; end > 0; ) {
    const start = Math.max(0, end - blockBytes);
    const count = await readFully(file, block.subarray(0, end - start), start);
    for (let at = count; at > 0; ) {
      at = block.lastIndexOf(newline, at - 1);
      if (at < 0) break;
      // The newline at the very end belongs to the last line.
      if (start + at === size - 1) continue;
      missing -= 1;
      if (missing === 0) return start + at + 1;
    }
    end = start;
  }
  return 0;
}

/** Up to where a block has `lines` lines, and how many those are. */
function endOfLines(block: Buffer, lines: number): { end: number; lines: number } {
  let found = 0;
  for (let at = block.indexOf(newline); at >= 0; at = block.indexOf(newline, at + 1)) {
    found += 1;
    if (found === lines) return { end: at + 1, lines: found };
  }
  return { end: block.length, lines: found };
}
