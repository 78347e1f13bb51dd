/**
 * Small files and links on their way into place, many at a time: while one batch is synced the next one gathers, so that a
 * file alone waits for nothing, and thousands share their syncs.
 *
 *   put ──► gathering ──► written ──► synced ──► renamed ──► directories synced ──► told
 */
import type { BigIntStats } from 'node:fs';
import { FileAction, type FileEntry, FileKind } from '#protocol/gen/drover/v1/file_pb.ts';
import { closeFile, closeNow, readFully, syncFile, writeFully } from './descriptors.ts';
import { type DirectoryHandle, joinPath } from './directory-handle.ts';
import { isSystemError } from './file-error.ts';
import { newPartName, releasePartName } from './part-name.ts';
import { findReplaced, putInPlace, setFileAttributes } from './put-in-place.ts';
import { forEachAtOnce } from './semaphore.ts';
import type { SinkDirectories, SinkDirectory, SinkPlace } from './sink-directories.ts';
import { hasAttributes, planFileMode, type SinkOptions, secondsOf } from './sink-options.ts';
import type { SinkReport } from './sink-report.ts';

/** Files of one batch: each holds a descriptor and at most 16 KiB. */
const batchMax = 256;
/** System calls under way: enough that the threads that make them never wait for us. */
const callsAtOnce = 32;

interface SmallFile {
  readonly entry: FileEntry;
  readonly place: SinkPlace;
  action: FileAction;
  replaced?: BigIntStats | undefined;
  part?: string;
  file?: number;
  failed?: true;
}

/** What small files need of their tree. */
export interface SmallFilesParts {
  readonly options: SinkOptions;
  readonly directories: SinkDirectories;
  readonly report: SinkReport;
}

/** The small files of one tree. */
export class SmallFiles {
  readonly #parts: SmallFilesParts;
  #gathering: SmallFile[] = [];
  #committing: Promise<void> | undefined;
  /** Resolves when those that gather become a batch. */
  #taken = Promise.withResolvers<void>();

  constructor(parts: SmallFilesParts) {
    this.#parts = parts;
  }

  /** Takes a small file or a link; resolves when there is room for another. */
  async put(entry: FileEntry, place: SinkPlace): Promise<void> {
    this.#gathering.push({ entry, place, action: FileAction.UNSPECIFIED });
    this.#committing ??= this.#commitAll();
    if (this.#gathering.length >= batchMax) await this.#taken.promise;
  }

  /** Resolves when everything that was taken is in place, or told as a problem. */
  async idle(): Promise<void> {
    await this.#committing;
  }

  async #commitAll(): Promise<void> {
    // Frames that came with the first one are taken before it is begun.
    await new Promise((resolve) => setImmediate(resolve));
    while (this.#gathering.length > 0) {
      const batch = this.#gathering;
      this.#gathering = [];
      this.#taken.resolve();
      this.#taken = Promise.withResolvers();
      await this.#commit(batch);
    }
    this.#committing = undefined;
  }

  async #commit(batch: readonly SmallFile[]): Promise<void> {
    const { directories } = this.#parts;
    const step = (work: (small: SmallFile, handle: DirectoryHandle) => Promise<void>) =>
      this.#forEach(batch, work);
    await step((small, handle) => this.#prepare(small, handle));
    await step(async (small) => {
      if (small.file !== undefined) await syncFile(small.file);
    });
    await step(async (small, handle) => {
      if (small.part === undefined) return;
      await putInPlace(handle, small.part, small.place.name, this.#needsBackup(small));
      releasePartName(small.part);
      delete small.part;
      directories.changed(small.place.directory);
    });
    await this.#syncDirectories(batch);
    await forEachAtOnce(batch, callsAtOnce, (small) => this.#discard(small));
    for (const small of batch) if (!small.failed) this.#tell(small);
  }

  /** Does `work` to each that has not failed; one that fails is told, and the others go on. */
  async #forEach(
    batch: readonly SmallFile[],
    work: (small: SmallFile, handle: DirectoryHandle) => Promise<void>,
  ): Promise<void> {
    await forEachAtOnce(batch, callsAtOnce, async (small) => {
      if (small.failed) return;
      try {
        if (this.#isPlannedOnly(small.place.directory)) return this.#planOnly(small);
        using held = await this.#parts.directories.hold(small.place.directory);
        await work(small, held.handle);
      } catch (error) {
        this.#fail(small, error);
      }
    });
  }

  /** Whether the directory is one that a dry run did not make. */
  #isPlannedOnly(directory: SinkDirectory): boolean {
    return this.#parts.options.dryRun && directory.fresh;
  }

  #planOnly(small: SmallFile): void {
    small.action = FileAction.CREATED;
  }

  async #prepare(small: SmallFile, handle: DirectoryHandle): Promise<void> {
    const { options, directories } = this.#parts;
    const { entry, place } = small;
    await directories.findParts(place.directory);
    if (!place.directory.fresh) small.replaced = await findReplaced(handle, place.name);
    small.action = small.replaced ? FileAction.REPLACED : FileAction.CREATED;
    if (options.checksum && small.replaced && (await this.#isEqual(small, small.replaced, handle))) {
      small.action = FileAction.UNCHANGED;
    } else if (!options.dryRun) {
      await (entry.kind === FileKind.SYMLINK ? this.#makeLink(small, handle) : this.#write(small, handle));
    }
  }

  async #isEqual({ entry, place }: SmallFile, stats: BigIntStats, handle: DirectoryHandle): Promise<boolean> {
    if (entry.kind === FileKind.SYMLINK) {
      if (!stats.isSymbolicLink()) return false;
      return (await handle.readLink(place.name)).equals(Buffer.from(entry.linkTarget));
    }
    if (!stats.isFile() || stats.size !== entry.size) return false;
    if (!hasAttributes(stats, entry, this.#parts.options)) return false;
    let file: number;
    try {
      ({ file } = await handle.openFile(place.name));
    } catch (error) {
      // What may not be read may still be replaced.
      if (isSystemError(error, 'EACCES', 'ENOENT')) return false;
      throw error;
    }
    try {
      const content = Buffer.allocUnsafe(entry.content.length + 1);
      const count = await readFully(file, content, 0);
      return content.subarray(0, count).equals(entry.content);
    } finally {
      closeNow(file);
    }
  }

  async #makeLink(small: SmallFile, handle: DirectoryHandle): Promise<void> {
    const { owner, preserve } = this.#parts.options;
    const name = newPartName(small.place.name, 'tmp');
    small.part = name;
    await handle.makeLink(name, small.entry.linkTarget);
    if (owner) await handle.changeOwner(name, owner.uid, owner.gid);
    if (preserve) await handle.changeTimes(name, secondsOf(small.entry));
  }

  async #write(small: SmallFile, handle: DirectoryHandle): Promise<void> {
    const { options } = this.#parts;
    const { entry } = small;
    small.part = newPartName(small.place.name, 'tmp');
    const { mode, exact } = planFileMode(entry, options);
    // Nobody else reads what will be for fewer eyes, or another owner's.
    small.file = await handle.createFile(small.part, exact || options.owner ? 0o600 : mode);
    await writeFully(small.file, entry.content, 0);
    await setFileAttributes(small.file, entry, options, !options.owner);
  }

  #needsBackup({ replaced }: SmallFile): boolean {
    return this.#parts.options.backup && replaced !== undefined;
  }

  async #syncDirectories(batch: readonly SmallFile[]): Promise<void> {
    try {
      await this.#parts.directories.sync();
    } catch (error) {
      for (const small of batch) this.#fail(small, error);
    }
  }

  /** Closes what is open, and removes what did not come into place. */
  async #discard(small: SmallFile): Promise<void> {
    const { file, part } = small;
    if (file !== undefined) await this.#close(small, file);
    if (part === undefined) return;
    releasePartName(part);
    try {
      using held = await this.#parts.directories.hold(small.place.directory);
      await held.handle.removeFile(part);
    } catch {
      // It was never made, or its directory is gone.
    }
  }

  async #close(small: SmallFile, file: number): Promise<void> {
    try {
      // What is not synced may still have to be written, and fail only now.
      if (small.failed) await closeFile(file);
      else closeNow(file);
    } catch (error) {
      this.#fail(small, error);
    }
  }

  #fail(small: SmallFile, error: unknown): void {
    if (small.failed || small.action === FileAction.UNCHANGED) return;
    small.failed = true;
    this.#parts.report.problem(small.entry.path, error);
  }

  #tell({ entry, place, action }: SmallFile): void {
    const { report } = this.#parts;
    report.bytes += entry.content.length;
    if (action === FileAction.UNCHANGED) report.unchanged += 1;
    report.placed(joinPath(place.directory.path, place.name), action);
  }
}
