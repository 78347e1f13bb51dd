/**
 * Files on their way to or from one node: asks the agent for a stream, reads it as fast as its reader does and no faster, and sends
 * no faster than the node takes. It passes frames on and knows nothing of trees; a link that was cut ends it.
 */
import { constants, type ServerHttp2Stream } from 'node:http2';
import { fromBinary } from '@bufbuild/protobuf';
import type { Clock } from '#base/clock.ts';
import type { FileOrder } from '#protocol/gen/drover/v1/file_pb.ts';
import { type FilesUp, FilesUpSchema } from '#protocol/gen/drover/v1/link_pb.ts';
import { limits } from '#protocol/limits.ts';
import type { AgentSession, OpenedStream } from './agent-session.ts';
import { type FileNews, type FileStream, NodeGoneError, NodeRefusedError } from './dispatch.ts';
import { respondStream } from './grpc-response.ts';
import { refuseFiles } from './judge-files.ts';
import { onAbort } from './on-abort.ts';
import { BrokenOffError, nonsense, readMessages } from './stream-messages.ts';

/** What is asked of a node, and by whom. */
export interface AskedFiles {
  readonly order: FileOrder;
  readonly operator: string;
}

/** How long the reason may come after the stream was broken off: it comes on another one. */
const refusalMs = 1_000;

/** What is needed of a session. */
export type FileSession = Pick<AgentSession, 'open' | 'isCut'>;

/** So much is handed to a stream in one piece, so that it can be seen how much of it was taken. */
const pieceBytes = 64 << 10;

/**
 * @see Dispatch.openFiles
 *
 * @throws NodeRefusedError when the node refuses; NodeDeniedError; NodeGoneError; the reason of `abort`.
 */
export async function openFiles(
  session: FileSession,
  { order, operator }: AskedFiles,
  clock: Clock,
  abort: AbortSignal,
): Promise<FileStream> {
  const frame = (streamId: bigint) => ({ case: 'openFiles', value: { streamId, order, operator } }) as const;
  const opened = await session.open('files', frame, abort);
  const { stream } = opened;
  if (abort.aborted || stream.destroyed || stream.closed) {
    opened[Symbol.dispose]();
    stream.close(constants.NGHTTP2_CANCEL);
    abort.throwIfAborted();
    throw new NodeGoneError('the connection to the node broke');
  }
  respondStream(stream);
  return new LinkFileStream(session, opened, order, clock, abort);
}

class LinkFileStream implements FileStream {
  readonly #session: FileSession;
  readonly #stream: ServerHttp2Stream;
  readonly #refused: Promise<NodeRefusedError>;
  readonly #order: FileOrder;
  readonly #clock: Clock;
  readonly #abort: AbortSignal;
  readonly #owned = new DisposableStack();
  #isLate = false;

  constructor(
    session: FileSession,
    opened: OpenedStream,
    order: FileOrder,
    clock: Clock,
    abort: AbortSignal,
  ) {
    this.#session = session;
    this.#stream = opened.stream;
    this.#refused = opened.refused;
    this.#order = order;
    this.#clock = clock;
    this.#abort = abort;
    this.#owned.use(opened);
    this.#owned.use(onAbort(abort, () => this.#stream.close(constants.NGHTTP2_CANCEL)));
  }

  async *receive(): AsyncGenerator<FileNews, void, undefined> {
    try {
      for await (const message of readMessages(this.#stream, limits.messageBytesMax, 'files')) {
        yield this.#judge(message);
      }
      if (!this.#stream.closed) this.#stream.end();
    } catch (error) {
      throw await this.#explain(error);
    }
  }

  async send(...bytes: readonly Uint8Array[]): Promise<void> {
    const stream = this.#stream;
    if (!stream.writable) throw await this.#explain(new BrokenOffError('files'));
    for (const part of bytes) {
      for (let at = 0; at < part.length; at += pieceBytes) stream.write(part.subarray(at, at + pieceBytes));
    }
    if (stream.writableNeedDrain) await this.#drained();
  }

  expectEnd(): void {
    const late = this.#clock.schedule(limits.fileStallMs, () => {
      this.#isLate = true;
      this.#stream.close(constants.NGHTTP2_CANCEL);
    });
    this.#owned.use(late);
  }

  [Symbol.dispose](): void {
    this.#owned.dispose();
    const stream = this.#stream;
    const isOver = stream.readableEnded && stream.writableEnded;
    if (!stream.closed && !isOver) stream.close(constants.NGHTTP2_CANCEL);
  }

  #judge(message: Uint8Array): FileNews {
    const { kind } = decode(message);
    if (!kind.case) throw nonsense('an empty frame');
    const refusal = refuseFiles(this.#order, kind);
    if (refusal !== undefined) throw nonsense(refusal);
    return kind;
  }

  /** Resolves when there is room. @throws NodeRefusedError when nothing is taken for too long. */
  async #drained(): Promise<void> {
    const stream = this.#stream;
    for (let waiting = stream.writableLength; stream.writableNeedDrain; waiting = stream.writableLength) {
      const isLate = await this.#drainOrTimeout();
      if (!stream.writable && !stream.writableEnded) throw await this.#explain(new BrokenOffError('files'));
      if (!isLate || stream.writableLength < waiting) continue;
      throw new NodeRefusedError(`it took nothing for ${limits.fileStallMs / 1_000} s`);
    }
  }

  async #drainOrTimeout(): Promise<boolean> {
    const { promise, resolve } = Promise.withResolvers<boolean>();
    const onRoom = () => resolve(false);
    using _timer = this.#clock.schedule(limits.fileStallMs, () => resolve(true));
    this.#stream.on('drain', onRoom).on('close', onRoom);
    try {
      return await promise;
    } finally {
      this.#stream.off('drain', onRoom).off('close', onRoom);
    }
  }

  /** What an error of the stream means: to whoever gave it up that; else that the node is gone, or why it does not go on. */
  async #explain(error: unknown): Promise<unknown> {
    if (this.#abort.aborted) return this.#abort.reason;
    if (this.#isLate) return new NodeRefusedError('it did not end after the last frame', { cause: error });
    if (!(error instanceof BrokenOffError)) return error;
    const why = this.#session.isCut ? error : await this.#hearWhy(error);
    if (!this.#session.isCut) return why;
    return new NodeGoneError('the connection to the node broke', { cause: error });
  }

  async #hearWhy(error: BrokenOffError): Promise<NodeRefusedError> {
    const late = Promise.withResolvers<BrokenOffError>();
    using _timer = this.#clock.schedule(refusalMs, () => late.resolve(error));
    return await Promise.race([this.#refused, late.promise]);
  }
}

function decode(message: Uint8Array): FilesUp {
  try {
    return fromBinary(FilesUpSchema, message, { readUnknownFields: false });
  } catch (error) {
    throw nonsense(error instanceof Error ? error.message : String(error));
  }
}
