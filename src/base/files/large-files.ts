/** The larger files of one tree: a few at a time, with a bounded number of wanted chunks among them all. */
import { type ChunkRef, FileAction, type FileEntry } from '#protocol/gen/drover/v1/file_pb.ts';
import { limits } from '#protocol/limits.ts';
import { joinPath } from './directory-handle.ts';
import { FileError, FileStreamError, WithdrawnError } from './file-error.ts';
import { LargeFile, type LargeFileParts } from './large-file.ts';
import { Semaphore } from './semaphore.ts';
import type { SinkPlace } from './sink-directories.ts';
import { chunksOf } from './source-file.ts';

/** Files in flight: while one is synced the others fill the link. */
const filesAtOnce = 4;
const tooMuch = 'more is on its way at once than is kept track of: copy it by itself';

interface Latest {
  readonly path: string;
  readonly chunks: number;
  announced: number;
  /** Undefined where it is not received. */
  readonly file: LargeFile | undefined;
}

/** Larger files on their way. */
export class LargeFiles {
  readonly #parts: LargeFileParts;
  readonly #places = new Semaphore(filesAtOnce);
  /** By number of the entry: those on their way, and those of which chunks are still to come. */
  readonly #files = new Map<number, LargeFile>();
  readonly #byPath = new Map<string, LargeFile>();
  /** Numbers of those that the sender withdrew when it owed chunks: one that still comes is nothing wrong. */
  readonly #withdrawn = new Set<number>();
  readonly #receiving = new Set<Promise<void>>();
  /** The latest, whose digests come. */
  #latest: Latest | undefined;
  #digestsHeld = 0;

  constructor(parts: Omit<LargeFileParts, 'window'>) {
    this.#parts = { ...parts, window: new Semaphore(limits.fileWantedChunksMax) };
  }

  /** Takes a larger file on; of two with one path the second is a problem. */
  begin(number: number, entry: FileEntry, place: SinkPlace): void {
    const file = new LargeFile(number, entry, place, this.#parts);
    this.#latest = { path: entry.path, chunks: file.chunks, announced: 0, file };
    this.#files.set(number, file);
    if (this.#byPath.has(entry.path)) file.fail(new FileError('came twice'));
    else this.#byPath.set(entry.path, file);
    if (this.#receiving.size >= limits.fileFilesHeldMax) file.fail(new FileError(tooMuch));
    const receiving = this.#receive(file).finally(() => this.#receiving.delete(receiving));
    this.#receiving.add(receiving);
  }

  /** A larger file is not received: its digests come nevertheless. */
  skip({ path, size }: FileEntry): void {
    this.#latest = { path, chunks: chunksOf(Number(size)), announced: 0, file: undefined };
  }

  /** Takes digests of the latest one. @throws FileStreamError for more than it has chunks, and for what is no digest. */
  addDigests(digests: readonly Uint8Array[]): void {
    const latest = this.#latest;
    if (!latest || latest.announced + digests.length > latest.chunks) {
      throw new FileStreamError('the sender sent digests of chunks that there are not');
    }
    latest.announced += digests.length;
    const { file } = latest;
    if (!file || file.over) return;
    this.#digestsHeld += digests.length;
    if (this.#digestsHeld > limits.fileDigestsHeldMax) file.fail(new FileError(tooMuch));
    try {
      for (const digest of digests) file.addDigest(digest);
    } catch (error) {
      throw new FileStreamError('the sender sent something that is no digest', { cause: error });
    }
  }

  /** No more digests come for the latest one. @throws FileStreamError when some are missing. */
  endDigests(): void {
    const latest = this.#latest;
    if (latest && latest.announced < latest.chunks) {
      throw new FileStreamError('the sender left out digests of chunks');
    }
    this.#latest = undefined;
  }

  /** Takes a chunk. @throws FileStreamError when nobody wanted it. */
  addChunk({ entry, index }: ChunkRef, data: Uint8Array): void {
    const file = this.#files.get(entry);
    if (!file?.wanted.delete(index)) {
      if (this.#withdrawn.has(entry)) return;
      throw new FileStreamError('the sender sent a chunk that nobody wanted');
    }
    this.#parts.report.receivedBytes += data.length;
    file.take(index, data);
    this.#forget(file);
  }

  /** The sender cannot send the file of this path, and has said why: neither chunks nor digests of it come. */
  withdraw(path: string): void {
    const file = this.#byPath.get(path);
    if (this.#latest?.path === path) this.#latest = undefined;
    if (file) this.#cancel(file, new WithdrawnError('the sender cannot send it'));
  }

  /** Ends all; their parts stay. */
  cancel(): void {
    for (const file of this.#files.values())
      this.#cancel(file, new WithdrawnError('nobody receives any more'));
  }

  /** Resolves when none is on its way. Never rejects. */
  async idle(): Promise<void> {
    while (this.#receiving.size > 0) await Promise.all(this.#receiving);
  }

  #cancel(file: LargeFile, error: unknown): void {
    file.fail(error);
    if (file.wanted.size > 0) this.#withdrawn.add(file.number);
    // They will not be answered any more.
    for (const _ of file.wanted) this.#parts.window.release();
    file.wanted.clear();
    this.#forget(file);
  }

  async #receive(file: LargeFile): Promise<void> {
    const { report } = this.#parts;
    await this.#places.acquire();
    try {
      const action = await file.receive();
      if (action === FileAction.UNCHANGED) report.unchanged += 1;
      report.placed(joinPath(file.place.directory.path, file.place.name), action);
    } catch (error) {
      if (!(error instanceof WithdrawnError)) report.problem(file.entry.path, error);
    } finally {
      this.#places.release();
      if (this.#byPath.get(file.entry.path) === file) this.#byPath.delete(file.entry.path);
      this.#digestsHeld -= file.digests;
      file.over = true;
      this.#forget(file);
    }
  }

  #forget(file: LargeFile): void {
    if (file.over && file.wanted.size === 0) this.#files.delete(file.number);
  }
}
