/**
 * A file that grows at its end and is read anywhere, and that has no name: however this process ends, nothing of it is left. What is
 * added waits in memory until it is flushed.
 */
import { randomUUID } from 'node:crypto';
import { type FileHandle, open, unlink } from 'node:fs/promises';
import { join } from 'node:path';

/** One such file, open. */
export class SpoolFile implements AsyncDisposable {
  readonly #file: FileHandle;
  #pending: Uint8Array[] = [];
  #pendingBytes = 0;
  #size = 0;

  private constructor(file: FileHandle) {
    this.#file = file;
  }

  /** Makes one. @throws the system's error. */
  static async open(directory: string): Promise<SpoolFile> {
    const path = join(directory, `.${randomUUID()}.tmp`);
    const file = await open(path, 'wx+', 0o600);
    await unlink(path);
    return new SpoolFile(file);
  }

  /** Bytes that can be read. */
  get size(): number {
    return this.#size;
  }

  /** Bytes that were added and not flushed. */
  get pending(): number {
    return this.#pendingBytes;
  }

  /** Adds bytes at the end; they must not change any more. */
  add(bytes: Uint8Array): void {
    this.#pending.push(bytes);
    this.#pendingBytes += bytes.length;
  }

  /**
   * Writes what was added before this call. One call at a time.
   *
   * @param first is awaited before.
   * @throws the system's error; what was not written is lost. What `first` rejects with.
   */
  async flush(first?: Promise<unknown>): Promise<void> {
    const bytes = Buffer.concat(this.#pending);
    this.#pending = [];
    this.#pendingBytes = 0;
    await first;
    for (let at = 0; at < bytes.length; ) {
      const { bytesWritten } = await this.#file.write(bytes, at, bytes.length - at, this.#size);
      at += bytesWritten;
      this.#size += bytesWritten;
    }
  }

  /** At most so many bytes from there; fewer at the end. @throws the system's error. */
  async read(position: number, length: number): Promise<Buffer> {
    const wanted = Math.max(0, Math.min(length, this.#size - position));
    const bytes = Buffer.allocUnsafe(wanted);
    for (let at = 0; at < wanted; ) {
      const { bytesRead } = await this.#file.read(bytes, at, wanted - at, position + at);
      if (bytesRead === 0) throw new Error('a spooled file is shorter than what was written');
      at += bytesRead;
    }
    return bytes;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#file.close();
  }
}
