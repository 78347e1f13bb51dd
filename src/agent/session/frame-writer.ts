/**
 * Writes messages to the session's stream, all of one turn of the event loop in one write: a thousand exits that come
 * together cost one system call. Knows no message.
 */
import type { Writable } from 'node:stream';
import { encodeFrame } from '#base/grpc-frames.ts';
import { limits } from '#protocol/limits.ts';

/** From here on the writer asks for no more, far below the limit at which the session ends. */
const crowdedBytes = limits.linkBufferBytesMax >> 4;

/** What a writer tells its session. */
export interface FrameWriterOptions {
  /** There is room again after `crowded` was true. */
  readonly onRoom: () => void;
  /** The peer reads so slowly that limits.linkBufferBytesMax wait. The session must end. */
  readonly onOverflow: () => void;
}

/** The sending half of one session. */
export class FrameWriter {
  readonly #stream: Writable;
  readonly #options: FrameWriterOptions;
  #frames: Buffer[] = [];
  /** Bytes in `#frames` and given to the stream but not yet sent. */
  #waitingBytes = 0;

  constructor(stream: Writable, options: FrameWriterOptions) {
    this.#stream = stream;
    this.#options = options;
  }

  /** Whether what can wait should wait until `onRoom`. */
  get crowded(): boolean {
    return this.#waitingBytes > crowdedBytes;
  }

  /** Queues one message. Does nothing once the stream has ended. */
  write(message: Uint8Array): void {
    if (!this.#stream.writable) return;
    const frame = encodeFrame(message);
    if (this.#frames.push(frame) === 1) setImmediate(() => this.#flush());
    this.#waitingBytes += frame.length;
    if (this.#waitingBytes > limits.linkBufferBytesMax) this.#options.onOverflow();
  }

  #flush(): void {
    const batch = Buffer.concat(this.#frames);
    this.#frames = [];
    if (!this.#stream.writable) return;
    this.#stream.write(batch, () => {
      const wasCrowded = this.crowded;
      this.#waitingBytes -= batch.length;
      if (wasCrowded && !this.crowded) this.#options.onRoom();
    });
  }
}
