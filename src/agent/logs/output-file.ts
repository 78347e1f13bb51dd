/** One output of an attempt, read piece by piece while it grows. It may not be there yet. */
import { type FileHandle, open } from 'node:fs/promises';
import { limits } from '#protocol/limits.ts';

const newline = 0x0a;

/** Reads one output from an offset on. */
export class OutputFile implements AsyncDisposable {
  readonly #path: string;
  #file: FileHandle | undefined;
  #offset: number;
  #end = Number.POSITIVE_INFINITY;

  /** @param offset where to begin. */
  constructor(path: string, offset: number) {
    this.#path = path;
    this.#offset = offset;
  }

  /** Goes to where the last `lines` lines begin that are there now, at most limits.tailBytesMax before the end. */
  async seekTail(lines: number): Promise<void> {
    const file = await this.#opened();
    this.#offset = file ? await tailOffset(file, lines) : 0;
  }

  /** Gives nothing that is written after this call: otherwise a writer that is faster than its reader has no end. */
  async endHere(): Promise<void> {
    const file = await this.#opened();
    this.#end = file ? (await file.stat()).size : 0;
  }

  /** The next bytes, limits.logChunkBytesMax at the most; undefined where there are none now. */
  async read(): Promise<{ offset: number; data: Buffer } | undefined> {
    const file = await this.#opened();
    if (!file) return undefined;
    const length = Math.min(limits.logChunkBytesMax, this.#end - this.#offset);
    if (length <= 0) return undefined;
    const buffer = Buffer.allocUnsafe(length);
    const { bytesRead } = await file.read(buffer, 0, length, this.#offset);
    if (bytesRead === 0) return undefined;
    const offset = this.#offset;
    this.#offset += bytesRead;
    return { offset, data: buffer.subarray(0, bytesRead) };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#file?.close();
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

/** Where the last `lines` lines begin; a line that has no newline yet is one. */
async function tailOffset(file: FileHandle, lines: number): Promise<number> {
  const { size } = await file.stat();
  const floor = Math.max(0, size - limits.tailBytesMax);
  const block = Buffer.allocUnsafe(limits.logChunkBytesMax);
  let found = 0;
  for (let end = size; end > floor; ) {
    const begin = Math.max(floor, end - block.length);
    const { bytesRead } = await file.read(block, 0, end - begin, begin);
    for (let i = bytesRead - 1; i >= 0; i--) {
      // The newline at the very end closes the last line; it begins none.
      if (block[i] !== newline || begin + i === size - 1) continue;
      if (++found === lines) return begin + i + 1;
    }
    end = begin;
  }
  return floor;
}
