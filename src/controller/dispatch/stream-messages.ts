/** What an agent sends on a request of its own, message by message. Knows no message. */
import { constants, type ServerHttp2Stream } from 'node:http2';
import { FrameError, frameHeaderBytes, messageLength } from '#base/grpc-frames.ts';
import { NodeRefusedError } from './dispatch.ts';

/** What such a request carries. */
export type StreamCargo = 'log' | 'input' | 'files';

/**
 * The messages of a stream, taken from it as they are asked for. Each is copied once, out of as many reads as it came in; an
 * iteration over the stream would first join all that has arrived.
 *
 * @throws NodeRefusedError when it is not whole: the agent did not end it, or sent nonsense.
 */
export async function* readMessages(
  stream: ServerHttp2Stream,
  messageBytesMax: number,
  cargo: StreamCargo,
): AsyncGenerator<Uint8Array, void, undefined> {
  using news = new StreamNews(stream);
  try {
    for (;;) {
      const header = await news.read(frameHeaderBytes);
      if (header.length === 0) break;
      if (header.length < frameHeaderBytes) throw new BrokenOffError(cargo);
      const length = messageLength(header, messageBytesMax);
      const message = await news.read(length);
      if (message.length < length) throw new BrokenOffError(cargo);
      yield message;
    }
  } catch (error) {
    if (error instanceof FrameError) throw nonsense(error.message);
    if (error instanceof NodeRefusedError) throw error;
    throw new BrokenOffError(cargo, error);
  }
  if (!isWhole(stream)) throw new BrokenOffError(cargo);
}

/** Waits for what a stream has to give. */
class StreamNews implements Disposable {
  readonly #stream: ServerHttp2Stream;
  #over: boolean;
  #error: Error | undefined;
  #news = Promise.withResolvers<void>();
  readonly #tell = () => this.#news.resolve();
  readonly #end = () => {
    this.#over = true;
    this.#news.resolve();
  };
  readonly #fail = (error: Error) => {
    this.#error = error;
    this.#news.resolve();
  };

  constructor(stream: ServerHttp2Stream) {
    this.#stream = stream;
    this.#over = stream.readableEnded || stream.destroyed;
    stream.on('readable', this.#tell).on('end', this.#end).on('close', this.#end).on('error', this.#fail);
  }

  /** So many bytes; fewer where the stream ends before. @throws the stream's error. */
  async read(length: number): Promise<Buffer> {
    if (length === 0) return Buffer.alloc(0);
    for (;;) {
      const bytes = this.#stream.read(length) as Buffer | null;
      if (bytes !== null) return bytes;
      if (this.#error) throw this.#error;
      if (this.#over) return Buffer.alloc(0);
      await this.#news.promise;
      this.#news = Promise.withResolvers();
    }
  }

  [Symbol.dispose](): void {
    const stream = this.#stream;
    stream.off('readable', this.#tell).off('end', this.#end).off('close', this.#end).off('error', this.#fail);
  }
}

/** Whether the agent ended the stream, rather than lost or reset it. */
function isWhole(stream: ServerHttp2Stream): boolean {
  return !stream.destroyed && !stream.aborted && stream.rstCode === constants.NGHTTP2_NO_ERROR;
}

/** The agent did not end what it was to end. */
export class BrokenOffError extends NodeRefusedError {
  constructor(cargo: StreamCargo, cause?: unknown) {
    super(`the node broke off the ${cargo}`, { cause });
  }
}

/** The agent sent what it must not. */
export function nonsense(what: string): NodeRefusedError {
  return new NodeRefusedError(`the node sent nonsense: ${what}`);
}
