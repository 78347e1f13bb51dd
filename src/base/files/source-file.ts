/**
 * A regular file that is sent: read in chunks, digested, and looked at again afterwards, since it may change meanwhile.
 * Holes are found by their zeros, and only in files that take less of the disk than they are long.
 */

import { hash } from 'node:crypto';
import type { BigIntStats } from 'node:fs';
import { limits } from '#protocol/limits.ts';
import { closeNow, readFully, statNow } from './descriptors.ts';
import type { DirectoryHandle } from './directory-handle.ts';
import { FileError } from './file-error.ts';

const { fileChunkBytes } = limits;
const zeros = Buffer.alloc(fileChunkBytes);
/** The unit of stat's blocks. @see man 3type stat */
const blockBytes = 512n;
const changed = 'it changed while it was read';

/** SHA-256. */
export function digestOf(data: Uint8Array): Buffer {
  return hash('sha256', data, 'buffer');
}

/** Whether it is nothing but zeros. */
export function isHole(chunk: Buffer): boolean {
  return zeros.compare(chunk, 0, chunk.length, 0, chunk.length) === 0;
}

/** How many chunks a file of `size` bytes has. */
export function chunksOf(size: number): number {
  return Math.ceil(size / fileChunkBytes);
}

/** Bytes of the chunk `index` of a file of `size` bytes. */
export function chunkLength(size: number, index: number): number {
  return Math.min(fileChunkBytes, size - index * fileChunkBytes);
}

/** What a file was like; the same later means that it did not change. */
export interface FileVersion {
  readonly ino: bigint;
  readonly size: bigint;
  readonly mtimeNs: bigint;
}

/** An open file. Dispose of it to close it; not while it is read. */
export class SourceFile implements Disposable {
  readonly stats: BigIntStats;
  readonly #file: number;

  private constructor(file: number, stats: BigIntStats) {
    this.#file = file;
    this.stats = stats;
  }

  /** @throws the system's error, or FileError for what is no regular file. */
  static async open(directory: DirectoryHandle, name: string): Promise<SourceFile> {
    const { file, stats } = await directory.openFile(name);
    return new SourceFile(file, stats);
  }

  get size(): number {
    return Number(this.stats.size);
  }

  /** Whether it takes less of the disk than it is long. */
  get sparse(): boolean {
    return this.stats.blocks * blockBytes < this.stats.size;
  }

  /** All of it. @throws FileError when it changed. */
  async readWhole(): Promise<Buffer> {
    const content = Buffer.allocUnsafe(this.size + 1);
    const count = await readFully(this.#file, content, 0);
    if (count !== this.size) throw new FileError(changed);
    this.requireUnchanged(this.stats);
    return content.subarray(0, count);
  }

  /** One chunk. @throws FileError when it is shorter than it was. */
  async readChunk(index: number): Promise<Buffer> {
    const chunk = Buffer.allocUnsafe(chunkLength(this.size, index));
    if ((await readFully(this.#file, chunk, index * fileChunkBytes)) < chunk.length)
      throw new FileError(changed);
    return chunk;
  }

  /** The digest of each chunk in order, empty ones for holes; the next chunk is read meanwhile. @throws FileError when it changed. */
  async *digests(): AsyncGenerator<Uint8Array> {
    const count = chunksOf(this.size);
    let next = count > 0 ? this.readChunk(0) : undefined;
    try {
      for (let index = 0; next; index += 1) {
        const chunk = await next;
        next = index + 1 < count ? this.readChunk(index + 1) : undefined;
        yield this.sparse && isHole(chunk) ? new Uint8Array() : digestOf(chunk);
      }
      this.requireUnchanged(this.stats);
    } finally {
      // The descriptor may be another file's as soon as it is closed.
      await next?.catch(() => {});
    }
  }

  /** @throws FileError when it is no longer as it was. */
  requireUnchanged(version: FileVersion): void {
    const { ino, size, mtimeNs } = statNow(this.#file);
    if (ino !== version.ino || size !== version.size || mtimeNs !== version.mtimeNs)
      throw new FileError(changed);
  }

  [Symbol.dispose](): void {
    closeNow(this.#file);
  }
}
