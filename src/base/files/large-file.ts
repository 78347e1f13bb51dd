/**
 * One larger file that is received. Each chunk is taken from where it is found first: the part of an earlier try, with `checksum`
 * the file that is there, else the sender; and is verified wherever it came from. Then the part becomes the file.
 *
 *   compare (only with `checksum`) ──all equal──► unchanged
 *      └──► obtain each chunk ──► attributes, sync ──► rename ──► sync of the directory
 *
 * What was obtained stays in the part when this fails, for another try; but for a full disk, which would stay full.
 */
import { type BigIntStats, constants } from 'node:fs';
import { FileAction, type FileEntry } from '#protocol/gen/drover/v1/file_pb.ts';
import { limits } from '#protocol/limits.ts';
import { closeFile, closeNow, readFully, syncFile, truncateFile, writeFully } from './descriptors.ts';
import { DigestList } from './digest-list.ts';
import type { DirectoryHandle } from './directory-handle.ts';
import { FileError, isSystemError } from './file-error.ts';
import { newPartName, releasePartName } from './part-name.ts';
import { findReplaced, putInPlace, setFileAttributes } from './put-in-place.ts';
import type { Semaphore } from './semaphore.ts';
import type { SinkDirectories, SinkPlace } from './sink-directories.ts';
import { hasAttributes, type SinkOptions } from './sink-options.ts';
import type { SinkReport } from './sink-report.ts';
import { chunkLength, chunksOf, digestOf, isHole } from './source-file.ts';

const { fileChunkBytes } = limits;

/** What larger files need of their tree. */
export interface LargeFileParts {
  readonly options: SinkOptions;
  readonly directories: SinkDirectories;
  readonly report: SinkReport;
  /** Places for chunks that are wanted and not yet in their files. */
  readonly window: Semaphore;
}

interface OpenPart {
  readonly name: string;
  readonly file: number;
  /** Bytes of an earlier try. */
  readonly size: number;
}

/** One file on its way. */
export class LargeFile {
  readonly number: number;
  readonly entry: FileEntry;
  readonly place: SinkPlace;
  readonly size: number;
  readonly chunks: number;
  /** Whether `receive` has ended. */
  over = false;
  /** Chunks that the sender was asked for and has not answered. */
  readonly wanted = new Set<number>();
  readonly #parts: LargeFileParts;
  readonly #digests: DigestList;
  #part: OpenPart | undefined;
  #old: number | undefined;
  #oldSize = 0;
  #replaced: BigIntStats | undefined;
  /** Chunks that are being written. */
  #writing = 0;
  /** Chunks from the beginning on that progress was told of. */
  #counted = 0;
  #obtained = 0;
  #failure: { readonly error: unknown } | undefined;
  #wake = () => {};

  constructor(number: number, entry: FileEntry, place: SinkPlace, parts: LargeFileParts) {
    this.number = number;
    this.entry = entry;
    this.place = place;
    this.size = Number(entry.size);
    this.chunks = chunksOf(this.size);
    this.#digests = new DigestList(this.chunks);
    this.#parts = parts;
  }

  /** Digests that have come. */
  get digests(): number {
    return this.#digests.length;
  }

  get failed(): boolean {
    return this.#failure !== undefined;
  }

  /** Takes the digest of the next chunk. @throws RangeError for what is none. */
  addDigest(digest: Uint8Array): void {
    this.#digests.add(digest);
    this.#wake();
  }

  /** It cannot be received, for this reason: `receive` rejects with it. The first stands. */
  fail(error: unknown): void {
    this.#failure ??= { error };
    this.#wake();
  }

  /** Takes a chunk that was wanted. Gives its place in the window back once it is written. Never throws. */
  take(index: number, data: Uint8Array): void {
    const { window } = this.#parts;
    const part = this.#part;
    if (!part || this.failed || !this.#fits(index, data)) {
      window.release();
      return;
    }
    this.#writing += 1;
    writeFully(part.file, data, index * fileChunkBytes)
      .then(
        () => this.#count(index),
        (error: unknown) => this.fail(error),
      )
      .finally(() => {
        this.#writing -= 1;
        window.release();
        this.#wake();
      });
  }

  /** Resolves when it is in place, or would be with `dryRun`. @throws why it is not; everything is then let go. */
  async receive(): Promise<FileAction> {
    const { options, directories } = this.#parts;
    this.#requireGoingOn();
    if (options.dryRun && this.place.directory.fresh) {
      this.#countRest();
      return FileAction.CREATED;
    }
    using held = await directories.hold(this.place.directory);
    const { handle } = held;
    try {
      if (!this.place.directory.fresh) this.#replaced = await findReplaced(handle, this.place.name);
      if (options.checksum) await this.#openOld(handle);
      if (await this.#isUnchanged()) return FileAction.UNCHANGED;
      if (options.dryRun) this.#countRest();
      else await this.#build(handle);
      return this.#replaced ? FileAction.REPLACED : FileAction.CREATED;
    } catch (error) {
      this.fail(error);
      throw error;
    } finally {
      await this.#letGo(handle);
    }
  }

  async #build(handle: DirectoryHandle): Promise<void> {
    const { options, directories } = this.#parts;
    const part = await this.#openPart(handle);
    this.#part = part;
    for (let index = 0; index < this.chunks; index += 1) await this.#obtain(part, index);
    while (this.wanted.size > 0 || this.#writing > 0) await this.#news();
    this.#requireGoingOn();
    await truncateFile(part.file, this.size);
    await setFileAttributes(part.file, this.entry, options, false);
    await syncFile(part.file);
    await putInPlace(handle, part.name, this.place.name, options.backup && this.#replaced !== undefined);
    releasePartName(part.name);
    this.#part = undefined;
    closeNow(part.file);
    directories.changed(this.place.directory);
    await directories.sync();
  }

  async #openPart(handle: DirectoryHandle): Promise<OpenPart> {
    const name = newPartName(this.place.name, 'part');
    try {
      const earlier = await this.#parts.directories.takePart(this.place);
      if (earlier && (await this.#claim(handle, earlier.name, name))) {
        const { file, stats } = await handle.openFile(name, constants.O_RDWR);
        return { name, file, size: Number(stats.size) };
      }
      return { name, file: await handle.createFile(name, 0o600), size: 0 };
    } catch (error) {
      releasePartName(name);
      throw error;
    }
  }

  /** Of two that want the same part, only one can rename it. */
  async #claim(handle: DirectoryHandle, earlier: string, name: string): Promise<boolean> {
    try {
      await handle.rename(earlier, name);
      return true;
    } catch (error) {
      if (isSystemError(error, 'ENOENT', 'EACCES', 'EPERM')) return false;
      throw error;
    }
  }

  async #openOld(handle: DirectoryHandle): Promise<void> {
    if (!this.#replaced?.isFile()) return;
    try {
      const { file, stats } = await handle.openFile(this.place.name);
      this.#old = file;
      this.#oldSize = Number(stats.size);
    } catch (error) {
      // What may not be read may still be replaced.
      if (!isSystemError(error, 'EACCES', 'ENOENT')) throw error;
    }
  }

  /** Compares with what is there, up to the first chunk that differs. */
  async #isUnchanged(): Promise<boolean> {
    const replaced = this.#replaced;
    if (this.#old === undefined || !replaced) return false;
    if (this.#oldSize !== this.size || !hasAttributes(replaced, this.entry, this.#parts.options))
      return false;
    for (let index = 0; index < this.chunks; index += 1) {
      const digest = await this.#digest(index);
      if (!(await this.#find(this.#old, this.#oldSize, index, digest))) return false;
      this.#count(index);
    }
    return true;
  }

  async #obtain(part: OpenPart, index: number): Promise<void> {
    const digest = await this.#digest(index);
    if (await this.#find(part.file, part.size, index, digest)) return this.#count(index);
    if (digest === undefined) {
      // Of an earlier try something else is there.
      if (part.size > index * fileChunkBytes) {
        await writeFully(part.file, Buffer.alloc(chunkLength(this.size, index)), index * fileChunkBytes);
      }
      return this.#count(index);
    }
    const found = this.#old !== undefined && (await this.#find(this.#old, this.#oldSize, index, digest));
    if (found) {
      await writeFully(part.file, found, index * fileChunkBytes);
      return this.#count(index);
    }
    await this.#want(index, digest);
  }

  /** The chunk `index` of `file`, where it has this digest; a hole is of zeros. */
  async #find(
    file: number,
    size: number,
    index: number,
    digest: Buffer | undefined,
  ): Promise<Buffer | undefined> {
    const length = chunkLength(this.size, index);
    if (index * fileChunkBytes + length > size) return undefined;
    const chunk = Buffer.allocUnsafe(length);
    if ((await readFully(file, chunk, index * fileChunkBytes)) < length) return undefined;
    const isIt = digest === undefined ? isHole(chunk) : digestOf(chunk).equals(digest);
    return isIt ? chunk : undefined;
  }

  async #want(index: number, digest: Buffer): Promise<void> {
    const { window, report } = this.#parts;
    await window.acquire();
    if (this.failed) {
      window.release();
      this.#requireGoingOn();
    }
    this.wanted.add(index);
    report.put({ case: 'want', value: { chunks: [{ entry: this.number, index, digest }] } });
  }

  #fits(index: number, data: Uint8Array): boolean {
    const length = chunkLength(this.size, index);
    const digest = this.#digests.at(index);
    if (data.length === length && digest && digestOf(data).equals(digest)) return true;
    this.fail(new FileError('what arrived is not what its digest says'));
    return false;
  }

  #count(index: number): void {
    this.#obtained += 1;
    if (index < this.#counted) return;
    // Those that are wanted come in any order; what is compared first is counted from the beginning on.
    if (index === this.#counted) this.#counted += 1;
    this.#parts.report.bytes += chunkLength(this.size, index);
  }

  /** As if all were in place. */
  #countRest(): void {
    while (this.#counted < this.chunks) this.#count(this.#counted);
  }

  async #digest(index: number): Promise<Buffer | undefined> {
    while (this.#digests.length <= index && !this.failed) await this.#news();
    this.#requireGoingOn();
    return this.#digests.at(index);
  }

  #requireGoingOn(): void {
    if (this.#failure) throw this.#failure.error;
  }

  async #news(): Promise<void> {
    if (this.failed) this.#requireGoingOn();
    await new Promise<void>((resolve) => {
      this.#wake = resolve;
    });
  }

  async #letGo(handle: DirectoryHandle): Promise<void> {
    while (this.#writing > 0) {
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
    if (this.#old !== undefined) closeNow(this.#old);
    const part = this.#part;
    if (!part) return;
    this.#part = undefined;
    await closeFile(part.file).catch((error: unknown) => this.fail(error));
    const full = isSystemError(this.#failure?.error, 'ENOSPC', 'EDQUOT', 'EFBIG');
    if (full || this.#obtained === 0) await handle.removeFile(part.name).catch(() => {});
    releasePartName(part.name);
  }
}
