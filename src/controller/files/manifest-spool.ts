/**
 * The manifest of one copy on the controller's disk, so that each of many nodes reads it at its own pace and none of it stays in
 * memory: as the frames that nodes are sent, and which digest each chunk has.
 *
 *   sender ──► take ──► frames  [ entry | digests | entry | problem | end ]   ◄── a reader for each node
 *                  ├──► index   [ number of its first chunk, for each entry ]
 *                  └──► digests [ SHA-256, for each chunk ]                    ◄── findDigest, for what nodes want
 */
import { create, toBinary } from '@bufbuild/protobuf';
import { encodeFrame } from '#base/grpc-frames.ts';
import { onAbort } from '#controller/dispatch/on-abort.ts';
import { RefusedError } from '#protocol/errors.ts';
import { type ChunkDigests, type SenderFrame, SenderFrameSchema } from '#protocol/gen/drover/v1/file_pb.ts';
import { FilesDownSchema } from '#protocol/gen/drover/v1/link_pb.ts';
import { limits } from '#protocol/limits.ts';
import type { Reservation } from './chunk-cache.ts';
import { ManifestCheck } from './manifest-check.ts';
import { SpoolFile } from './spool-file.ts';

const headBytes = 5;
const numberBytes = 8;
const digestBytes = 32;
/** Of SenderFrame.entry: its number, and that a length follows. @see the encoding of protocol buffers */
const entryTag = (SenderFrameSchema.field.entry.number << 3) | 2;
/** So much is read at once for one node. */
const blockBytes = 64 << 10;

interface SpoolFiles {
  readonly frames: SpoolFile;
  readonly index: SpoolFile;
  readonly digests: SpoolFile;
}

/** A manifest as it comes. Disposing of it frees its room. */
export class ManifestSpool implements AsyncDisposable {
  readonly #files: SpoolFiles;
  readonly #room: Reservation;
  readonly #owned: AsyncDisposableStack;
  readonly #check = new ManifestCheck();
  readonly #takenBack = new Set<number>();
  /** Chunks of all entries so far. */
  #chunks = 0;
  /** Never rejects: what failed the next call throws. */
  #flushing: Promise<void> | undefined;
  #failure: RefusedError | undefined;
  #grown = Promise.withResolvers<void>();

  private constructor(files: SpoolFiles, room: Reservation, owned: AsyncDisposableStack) {
    this.#files = files;
    this.#room = room;
    this.#owned = owned;
  }

  /** Makes an empty one. @throws the system's error. */
  static async open(directory: string, room: Reservation): Promise<ManifestSpool> {
    await using opening = new AsyncDisposableStack();
    opening.use(room);
    const files = {
      frames: opening.use(await SpoolFile.open(directory)),
      index: opening.use(await SpoolFile.open(directory)),
      digests: opening.use(await SpoolFile.open(directory)),
    };
    return new ManifestSpool(files, room, opening.move());
  }

  /** Its end has come. */
  get isWhole(): boolean {
    return this.#check.isWhole;
  }

  /**
   * Takes the next frame of the sender, not a chunk; resolves when the next may come.
   *
   * @throws RefusedError INVALID for what is no manifest, LIMIT for one that has no room.
   */
  async take(frame: SenderFrame): Promise<void> {
    if (this.#failure) throw this.#failure;
    const refusal = this.#check.refuse(frame);
    if (refusal !== undefined) throw new RefusedError('INVALID', `the manifest makes no sense: ${refusal}`);
    const { frames, index } = this.#files;
    if (frame.kind.case === 'entry') index.add(encodeNumber(this.#chunks));
    if (frame.kind.case === 'digests') this.#addDigests(frame.kind.value);
    if (frame.kind.case === 'problem' && frame.kind.value.entry !== undefined) {
      this.#takeBack(frame.kind.value.entry);
    }
    const bytes = encodeSender(frame);
    frames.add(bytes);
    this.#grow(bytes.length);
    this.#flushing ??= this.#flush();
    if (frames.pending >= limits.fileSpoolBytesMax) await this.#flushing;
  }

  /** Resolves when all that was taken can be read. @throws RefusedError LIMIT when it cannot be written. */
  async flushed(): Promise<void> {
    await this.#flushing;
    if (this.#failure) throw this.#failure;
  }

  /** Whether the sender has taken an entry back. */
  isTakenBack(entry: number): boolean {
    return this.#takenBack.has(entry);
  }

  /** The digest of a chunk; undefined where there is none. Of a hole it is empty. @throws the system's error. */
  async findDigest(entry: number, index: number): Promise<Buffer | undefined> {
    const numbers = await this.#files.index.read(entry * numberBytes, 2 * numberBytes);
    if (numbers.length < numberBytes) return undefined;
    const first = Number(numbers.readBigUInt64BE());
    // Of the last entry so far no other says where its chunks end.
    const next = numbers.length > numberBytes ? Number(numbers.readBigUInt64BE(numberBytes)) : this.#chunks;
    if (first + index >= next) return undefined;
    const digest = await this.#files.digests.read((first + index) * digestBytes, digestBytes);
    if (digest.length === 0) return undefined;
    return digest.equals(hole) ? Buffer.alloc(0) : digest;
  }

  /** A reader at its beginning. */
  read(): ManifestReader {
    return new ManifestReader(this.#files.frames, () => this.#grown.promise);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#flushing;
    await this.#owned.disposeAsync();
  }

  #addDigests({ digests }: ChunkDigests): void {
    for (const digest of digests) this.#files.digests.add(digest.length === 0 ? hole : digest);
    this.#chunks += digests.length;
    this.#grow(digests.length * digestBytes);
  }

  #takeBack(entry: number): void {
    this.#takenBack.add(entry);
    if (this.#takenBack.size <= limits.fileTakenBackMax) return;
    throw new RefusedError(
      'LIMIT',
      `more than ${limits.fileTakenBackMax} files changed while they were read`,
    );
  }

  #grow(bytes: number): void {
    if (this.#room.grow(bytes)) return;
    throw new RefusedError(
      'LIMIT',
      "the copy's names and small files are more than the controller keeps on its disk: its option --file-cache says how much",
    );
  }

  /** Digests before the frames that name them, so that no node wants what cannot be found. */
  async #flush(): Promise<void> {
    const { frames, index, digests } = this.#files;
    try {
      while (frames.pending > 0) {
        // What comes in the same turn goes in the same write.
        await new Promise((resolve) => setImmediate(resolve));
        await frames.flush(Promise.all([digests.flush(), index.flush()]));
        this.#grown.resolve();
        this.#grown = Promise.withResolvers();
      }
    } catch (cause) {
      const why = cause instanceof Error ? cause.message : String(cause);
      this.#failure = new RefusedError('LIMIT', `the controller cannot keep the manifest: ${why}`, [], {
        cause,
      });
    } finally {
      this.#flushing = undefined;
    }
  }
}

/** In the file of digests; no SHA-256 that anybody knows. */
const hole = Buffer.alloc(digestBytes);

/** Whole frames of a manifest. */
export interface ManifestBlock {
  readonly frames: Buffer;
  /** How many of them are entries. */
  readonly entries: number;
}

/** One node's way through a manifest. */
export class ManifestReader {
  readonly #frames: SpoolFile;
  readonly #grown: () => Promise<void>;
  #at = 0;

  /** Use ManifestSpool.read. */
  constructor(frames: SpoolFile, grown: () => Promise<void>) {
    this.#frames = frames;
    this.#grown = grown;
  }

  /** The next whole frames, as soon as there are any. @throws the reason of `abort`; the system's error. */
  async next(abort: AbortSignal): Promise<ManifestBlock> {
    const { promise: aborted, resolve } = Promise.withResolvers<void>();
    abort.throwIfAborted();
    using _waiting = onAbort(abort, resolve);
    while (this.#at >= this.#frames.size) {
      await Promise.race([this.#grown(), aborted]);
      abort.throwIfAborted();
    }
    const block = await this.#frames.read(this.#at, blockBytes);
    const whole = wholeFrames(block);
    const found = whole.frames.length > 0 ? whole : wholeFrames(await this.#first(block));
    this.#at += found.frames.length;
    return found;
  }

  /** The first frame, which is longer than a block. */
  #first(block: Buffer): Promise<Buffer> {
    return this.#frames.read(this.#at, headBytes + block.readUInt32BE(1));
  }
}

/** Those at the beginning of a block. */
function wholeFrames(block: Buffer): ManifestBlock {
  let end = 0;
  let entries = 0;
  while (end + headBytes <= block.length) {
    const next = end + headBytes + block.readUInt32BE(end + 1);
    if (next > block.length) break;
    if (isEntry(block, end + headBytes)) entries++;
    end = next;
  }
  return { frames: block.subarray(0, end), entries };
}

/** Whether the message at `at` holds an entry, by its first tag within the sender's: each is a message in a message. */
function isEntry(block: Buffer, at: number): boolean {
  let inner = at + 1;
  // Behind the length of the sender's message, whose last byte has no top bit.
  while ((block[inner] ?? 0) >= 0x80) inner++;
  return block[inner + 1] === entryTag;
}

function encodeNumber(value: number): Buffer {
  const bytes = Buffer.allocUnsafe(numberBytes);
  bytes.writeBigUInt64BE(BigInt(value));
  return bytes;
}

function encodeSender(frame: SenderFrame): Buffer {
  const down = create(FilesDownSchema, { kind: { case: 'sender', value: frame } });
  return encodeFrame(toBinary(FilesDownSchema, down, { writeUnknownFields: false }));
}
