/** The journal's file: bytes go to its end and to the disk, or the whole is replaced. Knows no record. */
import { type FileHandle, open } from 'node:fs/promises';
import { writeFileAtomic } from '#base/atomic-file.ts';
import { failpoint } from '#base/failpoint.ts';

/** Where a journal's bytes go. Calls do not overlap. */
export interface JournalStorage {
  /** Bytes that are there. */
  readonly size: number;
  /** Resolves when the bytes are on disk. @throws the system's error; some of the bytes may be there then. */
  append(bytes: Buffer): Promise<void>;
  /** Resolves when these bytes, and no others, are on disk. @throws the system's error; all is as it was then. */
  replace(bytes: Buffer): Promise<void>;
  close(): Promise<void>;
}

/** A journal's file on disk. It is there after the first `replace`. */
export class JournalFile implements JournalStorage {
  readonly #path: string;
  #file: FileHandle | undefined;
  #size = 0;

  constructor(path: string) {
    this.#path = path;
  }

  get size(): number {
    return this.#size;
  }

  async append(bytes: Buffer): Promise<void> {
    const file = await this.#opened();
    try {
      failpoint('agent.journal-write');
      for (let done = 0; done < bytes.length; ) {
        const { bytesWritten } = await file.write(bytes, done, bytes.length - done, this.#size + done);
        done += bytesWritten;
      }
      failpoint('agent.journal-sync');
      await file.datasync();
    } catch (error) {
      // What was refused should not be found by the next start.
      await file.truncate(this.#size).catch(() => {});
      throw error;
    }
    this.#size += bytes.length;
  }

  async replace(bytes: Buffer): Promise<void> {
    failpoint('agent.journal-replace');
    await writeFileAtomic(this.#path, bytes);
    await this.close();
    this.#size = bytes.length;
  }

  async close(): Promise<void> {
    const file = this.#file;
    this.#file = undefined;
    await file?.close();
  }

  async #opened(): Promise<FileHandle> {
    this.#file ??= await open(this.#path, 'r+', 0o600);
    return this.#file;
  }
}
