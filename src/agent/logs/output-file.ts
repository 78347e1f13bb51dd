/** One output of an attempt, read piece by piece while it grows, and while its beginning goes. It may not be there yet. */
import { type FileHandle, open } from 'node:fs/promises';
import { limits } from '#protocol/limits.ts';

const newline = 0x0a;
const nothing = Buffer.alloc(0);

/** A stretch of output, or of what is gone. */
export interface Piece {
  /** Where `data` begins. */
  readonly offset: number;
  /** limits.logChunkBytesMax at the most; may be empty where something is gone. */
  readonly data: Buffer;
  /** So many bytes before `offset` were asked for and are gone. */
  readonly gone: number;
}

/** Reads one output from an offset on. */
export class OutputFile implements AsyncDisposable {
  readonly #path: string;
  readonly #floor: () => number;
  #file: FileHandle | undefined;
  #offset: number;
  /** What was read already and lies from #offset on. */
  #ahead: Buffer = nothing;

  /**
   * @param offset where to begin.
   * @param floor how much of the beginning is gone, now: known before the bytes go.
   */
  constructor(path: string, offset: number, floor: () => number) {
    this.#path = path;
    this.#offset = offset;
    this.#floor = floor;
  }

  /** Where the next piece begins, if nothing is gone. */
  get offset(): number {
    return this.#offset;
  }

  /** Goes on to a later offset, before the first read. */
  skipTo(offset: number): void {
    this.#offset = Math.max(this.#offset, offset);
  }

  /**
   * Where the last `lines` lines before `end` begin; a line that has no newline yet is one. At most limits.tailBytesMax before
   * the end, and not before this file's offset or what is gone: undefined where they would begin before either.
   */
  async findTail(lines: number, end: number): Promise<number | undefined> {
    const lowest = Math.max(this.#offset, this.#floor());
    const file = await this.#opened();
    if (!file || end <= lowest) return undefined;
    return await tailOffset(file, lines, lowest, end);
  }

  /**
   * The next piece; undefined where there is none now.
   *
   * @param bound its data ends there at the latest.
   * @param end what is gone before this is gone over at once, also beyond `bound`.
   */
  async read(bound: number, end: number = bound): Promise<Piece | undefined> {
    if (this.#offset >= bound) return undefined;
    let gone = 0;
    if (this.#ahead.length === 0) {
      const from = this.#offset;
      await this.#fill(end);
      gone = this.#offset - from;
    }
    const length = Math.min(limits.logChunkBytesMax, this.#ahead.length, bound - this.#offset);
    if (gone === 0 && length <= 0) return undefined;
    const data = this.#ahead.subarray(0, Math.max(0, length));
    const piece = { offset: this.#offset, data, gone };
    this.#offset += data.length;
    this.#ahead = this.#ahead.subarray(data.length);
    return piece;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#file?.close();
  }

  /** Reads ahead, and goes over what is gone before `end`. */
  async #fill(end: number): Promise<void> {
    const file = await this.#opened();
    while (file) {
      this.#offset = Math.max(this.#offset, Math.min(this.#floor(), end));
      if (this.#offset >= end) return;
      const buffer = Buffer.allocUnsafeSlow(Math.min(limits.logReadBytesMax, end - this.#offset));
      const { bytesRead } = await file.read(buffer, 0, buffer.length, this.#offset);
      if (bytesRead === 0) return;
      // What went while it was read may be zeros here.
      const punched = Math.max(0, this.#floor() - this.#offset);
      if (punched >= bytesRead || this.#offset + punched >= end) continue;
      this.#ahead = buffer.subarray(punched, bytesRead);
      this.#offset += punched;
      return;
    }
  }

  async #opened(): Promise<FileHandle | undefined> {
    try {
      this.#file ??= await open(this.#path, 'r');
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
    }
    return this.#file;
  }
}

async function tailOffset(
  file: FileHandle,
  lines: number,
  lowest: number,
  size: number,
): Promise<number | undefined> {
  const farthest = Math.max(lowest, size - limits.tailBytesMax);
  const block = Buffer.allocUnsafe(limits.logChunkBytesMax);
  let found = 0;
  for (let end = size; end > farthest; ) {
    const begin = Math.max(farthest, end - block.length);
    const { bytesRead } = await file.read(block, 0, end - begin, begin);
    for (let i = bytesRead - 1; i >= 0; i--) {
      // The newline at the very end closes the last line; it begins none.
      if (block[i] !== newline || begin + i === size - 1) continue;
      if (++found === lines) return begin + i + 1;
    }
    end = begin;
  }
  return farthest === lowest ? undefined : farthest;
}
