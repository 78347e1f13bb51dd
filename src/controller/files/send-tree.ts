/**
 * One copy's way to one node: the manifest at the node's own pace, and between its frames the chunks that the node wants, in the order in
 * which it wants them. Holds one chunk and one block of the manifest.
 *
 *   manifest ──block──►┐
 *                      ├──► stream ══ node ──want──► exchange
 *   exchange ──chunk──►┘                 └─problem, progress, result, done──► tell
 */
import type { FileStream } from '#controller/dispatch/dispatch.ts';
import { onAbort } from '#controller/dispatch/on-abort.ts';
import { BrokenOffError, nonsense } from '#controller/dispatch/stream-messages.ts';
import type { ChunkRef, CopyProgress, ReceiverFrame } from '#protocol/gen/drover/v1/file_pb.ts';
import { limits } from '#protocol/limits.ts';
import type { ChunkExchange } from './chunk-exchange.ts';
import { encodeChunkHead } from './chunk-frame.ts';
import { EntriesAhead } from './entries-ahead.ts';
import type { ManifestSpool } from './manifest-spool.ts';
import type { RateLimit } from './rate-limit.ts';

/** What is sent, and how fast. */
export interface SentTree {
  readonly manifest: ManifestSpool;
  readonly exchange: ChunkExchange;
  /** Shared by all nodes of the copy. */
  readonly rate: RateLimit;
  /** So many bytes were given to the node. */
  readonly onSent: (bytes: number) => void;
}

/** Told what the node says meanwhile, but for its wants and its end; the node waits until it resolves. `over` aborts with the copy. */
export type TellFrame = (frame: ReceiverFrame, over: AbortSignal) => Promise<void>;

/**
 * Sends it; resolves with how far the node has come when it says that it is done.
 *
 * @throws NodeRefusedError, NodeGoneError; the reason of `abort`, and of the exchange's close.
 */
export async function sendTree(
  stream: FileStream,
  tree: SentTree,
  tell: TellFrame,
  abort: AbortSignal,
): Promise<CopyProgress> {
  const over = new AbortController();
  const signal = AbortSignal.any([abort, over.signal]);
  const wants = new Wants(signal);
  const ahead = new EntriesAhead();
  const sending = [sendManifest(stream, tree, ahead, signal), sendChunks(stream, tree, wants, signal)];
  const hear: TellFrame = async (frame, over) => {
    if (frame.kind.case === 'progress') ahead.hear(frame.kind.value);
    await tell(frame, over);
  };
  try {
    return await Promise.race([receive(stream, tree, wants, hear, signal), ...sending]);
  } finally {
    over.abort();
  }
}

async function sendManifest(
  stream: FileStream,
  tree: SentTree,
  ahead: EntriesAhead,
  abort: AbortSignal,
): Promise<never> {
  const reader = tree.manifest.read();
  for (;;) {
    await ahead.room(abort);
    const { frames, entries } = await reader.next(abort);
    ahead.sent(entries);
    await tree.rate.take(frames.length, abort);
    await stream.send(frames);
    tree.onSent(frames.length);
  }
}

async function sendChunks(
  stream: FileStream,
  tree: SentTree,
  wants: Wants,
  abort: AbortSignal,
): Promise<never> {
  for (;;) {
    const ref = await wants.next();
    const data = await tree.exchange.get(ref, abort);
    if (data) {
      await tree.rate.take(data.length, abort);
      await stream.send(encodeChunkHead(ref, data), data);
      tree.onSent(data.length);
    }
    wants.answered();
  }
}

/** Hears the node out. */
async function receive(
  stream: FileStream,
  tree: SentTree,
  wants: Wants,
  tell: TellFrame,
  signal: AbortSignal,
): Promise<CopyProgress> {
  let done: CopyProgress | undefined;
  for await (const { value } of stream.receive()) {
    signal.throwIfAborted();
    const frame = value as ReceiverFrame;
    if (done) throw nonsense('something behind its last frame');
    switch (frame.kind.case) {
      case 'want':
        await take(frame.kind.value.chunks, tree, wants);
        break;
      case 'done':
        done = frame.kind.value;
        stream.expectEnd();
        break;
      default:
        await tell(frame, signal);
    }
  }
  if (!done) throw new BrokenOffError('files');
  return done;
}

async function take(chunks: readonly ChunkRef[], { manifest, exchange }: SentTree, wants: Wants) {
  for (const { entry, index, digest } of chunks) {
    const known = await manifest.findDigest(entry, index);
    if (known && known.length > 0 && known.equals(digest)) continue;
    throw nonsense(`a want of chunk ${index} of entry ${entry}, which is not in the manifest`);
  }
  // Of what the sender has taken back the node hears by the manifest.
  const there = chunks.filter(({ entry }) => !manifest.isTakenBack(entry));
  if (!wants.add(there)) throw nonsense(`more than ${limits.fileWantedChunksMax} wants at once`);
  exchange.expect(there);
}

/** What one node wants and has not been sent. */
class Wants {
  readonly #abort: AbortSignal;
  readonly #queue: ChunkRef[] = [];
  #unanswered = 0;
  #news = Promise.withResolvers<void>();

  constructor(abort: AbortSignal) {
    this.#abort = abort;
  }

  /** False when those are more than may be unanswered. */
  add(chunks: readonly ChunkRef[]): boolean {
    this.#queue.push(...chunks);
    this.#unanswered += chunks.length;
    this.#news.resolve();
    return this.#unanswered <= limits.fileWantedChunksMax;
  }

  answered(): void {
    this.#unanswered--;
  }

  /** The next, as soon as there is one. @throws the reason of the signal. */
  async next(): Promise<ChunkRef> {
    using _waiting = onAbort(this.#abort, () => this.#news.resolve());
    for (;;) {
      this.#abort.throwIfAborted();
      const ref = this.#queue.shift();
      if (ref) return ref;
      this.#news = Promise.withResolvers();
      await this.#news.promise;
    }
  }
}
