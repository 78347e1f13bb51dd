/**
 * Whether the frames of a sender make a manifest: each may come now, entries are what can be copied, digests cover them, and the end says
 * what came. Pure but for what it counts. Whether a parent came before as a directory its receivers judge, who make it.
 */
import { refuseSender } from '#controller/dispatch/judge-files.ts';
import { quote } from '#core/quote.ts';
import {
  type FileEntry,
  FileKind,
  type ManifestEnd,
  type SenderFrame,
} from '#protocol/gen/drover/v1/file_pb.ts';
import { limits } from '#protocol/limits.ts';

/** Follows one manifest. */
export class ManifestCheck {
  #entries = 0;
  #bytes = 0n;
  /** Chunks of the latest entry whose digests have not come. */
  #chunksLeft = 0;
  /** It was taken back: they may still come, and need not. */
  #isLatestTakenBack = false;
  #isWhole = false;

  /** Entries that have come. */
  get entries(): number {
    return this.#entries;
  }

  /** Its end has come. */
  get isWhole(): boolean {
    return this.#isWhole;
  }

  /** Takes the next frame, not a chunk; gives what is wrong with it, one line, or undefined. */
  refuse(frame: SenderFrame): string | undefined {
    const refusal = refuseSender(frame);
    if (refusal !== undefined) return refusal;
    const { kind } = frame;
    switch (kind.case) {
      case 'entry':
        return this.#refuseEntry(kind.value);
      case 'digests': {
        const { length } = kind.value.digests;
        if (length > this.#chunksLeft) return `${length} digests where ${this.#chunksLeft} chunks are left`;
        this.#chunksLeft -= length;
        return undefined;
      }
      case 'problem': {
        const { entry } = kind.value;
        if (entry === undefined) return undefined;
        if (entry >= this.#entries) return `entry ${entry}, which has not come, is taken back`;
        if (entry === this.#entries - 1) this.#isLatestTakenBack = true;
        return undefined;
      }
      case 'end':
        return this.#refuseEnd(kind.value);
      default:
        return 'a chunk in the manifest';
    }
  }

  #refuseEntry(entry: FileEntry): string | undefined {
    if (this.#isWhole) return `the entry ${quote(entry.path)} behind the end`;
    if (this.#isIncomplete) return `the entry ${quote(entry.path)} before all digests of the one before it`;
    if (this.#entries === limits.fileEntriesMax) return `more than ${limits.fileEntriesMax} entries`;
    const problem = findPathProblem(entry.path) ?? findContentProblem(entry);
    if (problem !== undefined) return `the entry ${quote(entry.path)}: ${problem}`;
    this.#entries++;
    this.#isLatestTakenBack = false;
    const size = entry.kind === FileKind.REGULAR ? entry.size : 0n;
    this.#bytes += size;
    this.#chunksLeft = chunksOf(size);
    return undefined;
  }

  get #isIncomplete(): boolean {
    return this.#chunksLeft > 0 && !this.#isLatestTakenBack;
  }

  #refuseEnd({ entries, bytes }: ManifestEnd): string | undefined {
    if (this.#isWhole) return 'its end a second time';
    if (this.#isIncomplete) return 'its end before all digests of the last entry';
    if (entries === BigInt(this.#entries) && bytes === this.#bytes) {
      this.#isWhole = true;
      return undefined;
    }
    return `an end after ${entries} entries of ${bytes} bytes, where ${this.#entries} of ${this.#bytes} came`;
  }
}

function chunksOf(size: bigint): number {
  if (size <= BigInt(limits.fileInlineBytesMax)) return 0;
  const chunk = BigInt(limits.fileChunkBytes);
  return Number((size + chunk - 1n) / chunk);
}

function findPathProblem(path: string): string | undefined {
  const components = path.split('/');
  if (components.length > limits.fileDepthMax) return `deeper than ${limits.fileDepthMax} directories`;
  if (path.includes('\0')) return 'a path with a NUL';
  if (components.some((component) => component === '' || component === '.' || component === '..')) {
    return 'a path that does not lead downward';
  }
  return undefined;
}

function findContentProblem({ kind, size, content, linkTarget }: FileEntry): string | undefined {
  if (kind === FileKind.REGULAR) {
    const inline = size <= BigInt(limits.fileInlineBytesMax) ? Number(size) : 0;
    return content.length === inline ? undefined : `${content.length} bytes in it where ${inline} are to be`;
  }
  if (content.length > 0) return 'content of what is no regular file';
  if (kind === FileKind.SYMLINK) return linkTarget === '' ? 'a link to nowhere' : undefined;
  return kind === FileKind.DIRECTORY ? undefined : 'neither a file nor a directory nor a link';
}
