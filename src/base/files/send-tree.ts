/**
 * The sender of a tree, as file.proto has it: a manifest, and every chunk that the receiver wants. Chunks that are wanted go
 * first, so that the manifest never runs far ahead of a receiver that is busy. Holds a chunk or two, the names on the way
 * down, and for each larger file where it is.
 *
 *   walk ──► entries, digests ──┐
 *                               ├──► frames
 *   wants ──► chunks ───────────┘
 */
import { create } from '@bufbuild/protobuf';
import {
  type ChunkRef,
  type ReceiverFrame,
  type SenderFrame,
  SenderFrameSchema,
} from '#protocol/gen/drover/v1/file_pb.ts';
import { limits } from '#protocol/limits.ts';
import { describeFileError, FileError, FileStreamError } from './file-error.ts';
import { OpenSources } from './open-sources.ts';
import { digestOf } from './source-file.ts';
import { type LargeFound, type TreeTop, walkTree } from './walk-tree.ts';

/** Digests of one message, at most: 64 MiB of content, so that a receiver soon has something to want. */
const digestsMax = 128;
/** Wanted chunks that are read at once: one is sent meanwhile. */
const answersMax = 2;

/** What is sent. */
export interface SendOptions {
  /** What was asked for, in order. Names that come twice are the caller's to refuse. */
  readonly tops: readonly TreeTop[];
  /** Directories with all that is in them; without it they are problems. */
  readonly recursive: boolean;
  /** Problems that are known before the walk, such as paths that a policy forbids. */
  readonly problems?: readonly { readonly path: string; readonly error: string; readonly denied: boolean }[];
}

/**
 * Sends a tree, reading from `receiver` what it wants. Ends after the receiver's `done`, when `receiver` ends, and soon after
 * `abort` aborts. What goes wrong with an entry is a problem frame.
 *
 * @throws FileStreamError when the receiver wants what there is not.
 */
export async function* sendTree(
  options: SendOptions,
  receiver: AsyncIterable<ReceiverFrame>,
  abort: AbortSignal,
): AsyncGenerator<SenderFrame> {
  const over = new AbortController();
  const sender = new TreeSender(AbortSignal.any([abort, over.signal]));
  const manifest = sender.manifest(options);
  try {
    void sender.listen(receiver);
    yield* sender.frames(manifest);
  } finally {
    over.abort();
    await manifest.return(undefined);
    await sender[Symbol.asyncDispose]();
  }
}

interface SentFile extends LargeFound {
  /** Of its entry. */
  readonly number: number;
  readonly path: string;
  failed?: true;
}

class TreeSender implements AsyncDisposable {
  readonly #abort: AbortSignal;
  readonly #files = new Map<number, SentFile>();
  readonly #sources = new OpenSources();
  readonly #answers: Promise<SenderFrame | undefined>[] = [];
  #wanted: ChunkRef[] = [];
  #entries = 0;
  /** Entries that the receiver is through with, as far as it said so. */
  #settled: number | undefined;
  #finished = false;
  #failure: unknown;
  #wake = () => {};

  constructor(abort: AbortSignal) {
    this.#abort = abort;
    abort.addEventListener('abort', () => this.#finish(), { once: true });
    if (abort.aborted) this.#finish();
  }

  /** Takes what the receiver sends, to its end. Never rejects. */
  async listen(receiver: AsyncIterable<ReceiverFrame>): Promise<void> {
    try {
      for await (const { kind } of receiver) {
        if (this.#finished || kind.case === 'done') break;
        if (kind.case === 'progress') this.#settled = Number(kind.value.entries + kind.value.problems);
        if (kind.case !== 'want') {
          this.#wake();
          continue;
        }
        this.#wanted.push(...kind.value.chunks);
        if (this.#wanted.length > limits.fileChunksWantedMax) {
          throw new FileStreamError(`the receiver wants ${this.#wanted.length} chunks at once`);
        }
        this.#wake();
      }
    } catch (error) {
      this.#failure ??= error;
    }
    this.#finish();
  }

  /** What to send next, whenever it is asked for. */
  async *frames(manifest: AsyncGenerator<SenderFrame | undefined>): AsyncGenerator<SenderFrame> {
    for (let open = true; !this.#finished; ) {
      this.#answerAhead();
      const answer = this.#answers.shift();
      if (answer) {
        const frame = await answer;
        if (frame) yield frame;
      } else if (open && !this.#ahead) {
        const step = await manifest.next();
        if (step.done) open = false;
        else if (step.value) yield step.value;
      } else {
        await new Promise<void>((resolve) => {
          this.#wake = resolve;
        });
      }
    }
    if (this.#failure !== undefined && !this.#abort.aborted) throw this.#failure;
  }

  /** Whether the receiver has so much to do that more of the manifest would only cost it memory. */
  get #ahead(): boolean {
    return this.#settled !== undefined && this.#entries - this.#settled > limits.fileEntriesAheadMax;
  }

  /** The manifest; undefined between two chunks that were digested, for wants to be looked at. */
  async *manifest({ tops, recursive, problems = [] }: SendOptions): AsyncGenerator<SenderFrame | undefined> {
    let bytes = 0n;
    for (const value of problems) yield frameOf({ case: 'problem', value: { ...value } });
    for await (const found of walkTree(tops, recursive, this.#abort)) {
      if (found.kind === 'problem') {
        const { path, error, denied } = found;
        yield frameOf({ case: 'problem', value: { path, error, denied } });
        continue;
      }
      if (this.#entries >= limits.fileEntriesMax) {
        throw new FileStreamError(`there are more than ${limits.fileEntriesMax} files`);
      }
      const number = this.#entries;
      this.#entries += 1;
      bytes += found.entry.size;
      yield frameOf({ case: 'entry', value: found.entry });
      if (found.large) yield* this.#digests({ ...found.large, number, path: found.entry.path });
    }
    yield frameOf({ case: 'end', value: { entries: BigInt(this.#entries), bytes } });
  }

  async *#digests(sent: SentFile): AsyncGenerator<SenderFrame | undefined> {
    this.#files.set(sent.number, sent);
    let digests: Uint8Array[] = [];
    // Small at first: the receiver then wants something while the rest is still read.
    let batch = 4;
    try {
      using source = await this.#sources.open(sent);
      for await (const digest of source.digests()) {
        digests.push(digest);
        if (digests.length < batch) yield undefined;
        else {
          yield frameOf({ case: 'digests', value: { digests } });
          digests = [];
          batch = Math.min(batch * 2, digestsMax);
        }
        if (sent.failed) return;
      }
      if (digests.length > 0) yield frameOf({ case: 'digests', value: { digests } });
    } catch (error) {
      if (!sent.failed) yield this.#fail(sent, error);
    }
  }

  #answerAhead(): void {
    while (this.#answers.length < answersMax) {
      const ref = this.#wanted.shift();
      if (!ref) return;
      const answer = this.#answer(ref);
      // Looked at when it is its turn, which may never come.
      answer.catch(() => {});
      this.#answers.push(answer);
    }
  }

  /** The chunk, or why there is none; undefined where that was said before. */
  async #answer(ref: ChunkRef): Promise<SenderFrame | undefined> {
    const sent = this.#files.get(ref.entry);
    if (!sent || ref.index * limits.fileChunkBytes >= Number(sent.version.size)) {
      throw new FileStreamError(
        `the receiver wants chunk ${ref.index} of entry ${ref.entry}, which there is not`,
      );
    }
    if (sent.failed) return undefined;
    try {
      const data = await this.#sources.read(ref.entry, sent, ref.index);
      if (!digestOf(data).equals(ref.digest)) throw new FileError('it changed while it was read');
      return frameOf({ case: 'chunk', value: { ref, data } });
    } catch (error) {
      return sent.failed ? undefined : this.#fail(sent, error);
    }
  }

  #fail(sent: SentFile, error: unknown): SenderFrame {
    sent.failed = true;
    const denied = error instanceof FileError && error.denied;
    const { number: entry, path } = sent;
    return frameOf({ case: 'problem', value: { path, error: describeFileError(error), denied, entry } });
  }

  #finish(): void {
    this.#finished = true;
    this.#wake();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.allSettled(this.#answers);
    await this.#sources[Symbol.asyncDispose]();
  }
}

type SenderFrameInit = NonNullable<
  NonNullable<Parameters<typeof create<typeof SenderFrameSchema>>[1]>['kind']
>;

function frameOf(kind: SenderFrameInit): SenderFrame {
  return create(SenderFrameSchema, { kind });
}
