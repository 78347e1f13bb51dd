/**
 * The receiver of a tree, as file.proto has it. Believes nothing: paths, digests and chunks are checked before anything is done
 * with them, and everything is done beneath the target's handle. Each entry is whole in its place or not there at all; what goes
 * wrong with one is a problem, and the others go on.
 *
 *   frames ──► directories ──────────────► made ─────────────┐
 *         ├──► small files, links ──batch──► in place ───────┼──► done
 *         └──► larger files ──wants, chunks──► in place ─────┘
 *
 * Holds the batch, limits.fileWantedChunksMax chunks, and for each larger file that is on its way its digests.
 */
import {
  FileAction,
  type FileEntry,
  FileKind,
  type ReceiverFrame,
  type SenderFrame,
} from '#protocol/gen/drover/v1/file_pb.ts';
import { limits } from '#protocol/limits.ts';
import { joinPath } from './directory-handle.ts';
import { FileError, FileStreamError } from './file-error.ts';
import { LargeFiles } from './large-files.ts';
import { SinkDirectories } from './sink-directories.ts';
import type { SinkOptions } from './sink-options.ts';
import { SinkReport } from './sink-report.ts';
import { SmallFiles } from './small-files.ts';
import { parseTreePath } from './tree-path.ts';

/** Bytes of a symbolic link's target. @see PATH_MAX in linux/limits.h */
const linkTargetBytesMax = 4_095;

/**
 * Receives the tree that `sender` sends. Ends with `done`. When it is left early, or `abort` aborts, what is under way is ended
 * first: each file is then the old one or the new one, and parts of larger ones stay for another try.
 *
 * @throws FileStreamError when the sender breaks the rules, or ends before everything was received. The reason of `abort`.
 */
export async function* receiveTree(
  options: SinkOptions,
  sender: AsyncIterable<SenderFrame>,
  abort: AbortSignal,
): AsyncGenerator<ReceiverFrame> {
  const sink = new TreeSink(options);
  const over = new AbortController();
  const received = sink.receive(sender, AbortSignal.any([abort, over.signal]));
  try {
    yield* sink.frames();
  } finally {
    over.abort();
    await received;
  }
}

class TreeSink {
  readonly #options: SinkOptions;
  readonly #directories: SinkDirectories;
  readonly #report: SinkReport;
  readonly #small: SmallFiles;
  readonly #large: LargeFiles;
  #entries = 0;
  #ended = false;

  constructor(options: SinkOptions) {
    this.#options = options;
    this.#directories = new SinkDirectories(options);
    this.#report = new SinkReport(options.clock, options.report);
    const parts = { options, directories: this.#directories, report: this.#report };
    this.#small = new SmallFiles(parts);
    this.#large = new LargeFiles(parts);
  }

  frames(): AsyncGenerator<ReceiverFrame> {
    return this.#report.queue.taken();
  }

  /** Receives all of it, and lets everything go. Never rejects: what ends it ends the frames. */
  async receive(sender: AsyncIterable<SenderFrame>, abort: AbortSignal): Promise<void> {
    const { queue } = this.#report;
    const frames = sender[Symbol.asyncIterator]();
    const aborted = Promise.withResolvers<never>();
    const onAbort = () => {
      queue.end({ error: abort.reason });
      aborted.reject(abort.reason);
    };
    abort.addEventListener('abort', onAbort, { once: true });
    if (abort.aborted) onAbort();
    try {
      await Promise.race([this.#takeAll(frames), aborted.promise]);
      await Promise.race([this.#complete(frames), aborted.promise]);
      await this.#small.idle();
      await this.#finish();
      this.#report.done();
    } catch (error) {
      queue.end({ error });
    } finally {
      abort.removeEventListener('abort', onAbort);
      this.#large.cancel();
      // It may be waiting for a frame that never comes.
      void frames.return?.().catch(() => {});
      await Promise.all([this.#small.idle(), this.#large.idle()]);
      this.#report[Symbol.dispose]();
      await this.#directories[Symbol.asyncDispose]();
    }
  }

  /** Takes frames until the manifest is whole. */
  async #takeAll(frames: AsyncIterator<SenderFrame>): Promise<void> {
    while (!this.#ended) {
      await this.#report.queue.room();
      await this.#take(await nextFrame(frames));
    }
  }

  /** Takes chunks until every larger file is through. */
  async #complete(frames: AsyncIterator<SenderFrame>): Promise<void> {
    let idle = false;
    const whenIdle = this.#large.idle().then(() => {
      idle = true;
    });
    while (!idle) {
      const next = nextFrame(frames);
      // The last file may be through without another frame.
      next.catch(() => {});
      const frame = await Promise.race([next, whenIdle]);
      if (frame) await this.#take(frame);
    }
  }

  async #take({ kind }: SenderFrame): Promise<void> {
    switch (kind.case) {
      case 'chunk': {
        const { ref, data } = kind.value;
        if (!ref) throw new FileStreamError('the sender sent a chunk of nothing');
        return this.#large.addChunk(ref, data);
      }
      case 'problem':
        this.#report.problems += 1;
        return this.#large.withdraw(kind.value.path);
      case 'digests':
        if (this.#ended) break;
        return this.#large.addDigests(kind.value.digests);
      case 'entry':
        if (this.#ended) break;
        this.#large.endDigests();
        return this.#takeEntry(kind.value);
      case 'end':
        if (this.#ended) break;
        this.#large.endDigests();
        this.#ended = true;
        return;
      default:
        throw new FileStreamError('the sender sent a frame of no known kind');
    }
    throw new FileStreamError('the sender goes on after the end of the manifest');
  }

  async #takeEntry(entry: FileEntry): Promise<void> {
    const number = this.#entries;
    this.#entries += 1;
    if (number >= limits.fileEntriesMax) {
      throw new FileStreamError(`the sender sends more than ${limits.fileEntriesMax} entries`);
    }
    try {
      const parts = parseTreePath(entry.path);
      requireSense(entry);
      await this.#putEntry(number, parts, entry);
    } catch (error) {
      if (error instanceof FileStreamError) throw error;
      this.#report.problem(entry.path, error);
      if (isLarge(entry)) this.#large.skip(entry);
    }
  }

  async #putEntry(number: number, parts: readonly string[], entry: FileEntry): Promise<void> {
    const [directories, report] = [this.#directories, this.#report];
    if (entry.kind === FileKind.DIRECTORY) {
      const action = await directories.add(parts, entry);
      if (action === FileAction.UNCHANGED) report.unchanged += 1;
      const { directory, name } = directories.place(parts);
      return report.placed(joinPath(directory.path, name), action);
    }
    const place = directories.place(parts);
    if (isLarge(entry)) return this.#large.begin(number, entry, place);
    report.receivedBytes += entry.content.length;
    await this.#small.put(entry, place);
  }

  async #finish(): Promise<void> {
    if (this.#options.dryRun) return;
    await this.#directories.finish((path, error) => this.#report.problem(path, error));
    await this.#directories.sync();
  }
}

async function nextFrame(frames: AsyncIterator<SenderFrame>): Promise<SenderFrame> {
  const step = await frames.next();
  if (step.done) throw new FileStreamError('the sender went away');
  return step.value;
}

function isLarge({ kind, size }: FileEntry): boolean {
  return kind === FileKind.REGULAR && size > BigInt(limits.fileInlineBytesMax);
}

/** @throws FileError for an entry that contradicts itself. */
function requireSense(entry: FileEntry): void {
  const { kind, size, content, linkTarget } = entry;
  switch (kind) {
    case FileKind.DIRECTORY:
      return;
    case FileKind.REGULAR:
      if (size > BigInt(Number.MAX_SAFE_INTEGER)) throw new FileError('is too large');
      if (isLarge(entry) ? content.length > 0 : BigInt(content.length) !== size) {
        throw new FileError(`its content has ${content.length} bytes, its size is ${size}`);
      }
      return;
    case FileKind.SYMLINK:
      if (linkTarget === '' || linkTarget.includes('\0')) throw new FileError('points nowhere');
      if (Buffer.byteLength(linkTarget) > linkTargetBytesMax) throw new FileError('points too far');
      return;
    default:
      throw new FileError('is neither a file, a directory nor a link');
  }
}
