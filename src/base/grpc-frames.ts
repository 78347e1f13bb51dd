/**
 * gRPC's framing of a byte stream: one byte of flags (0, we never compress), four of length, big-endian, the message.
 * Knows no message and no stream.
 *
 * @see https://github.com/grpc/grpc/blob/master/doc/PROTOCOL-HTTP2.md
 */

/** The peer broke the framing. The connection cannot be used any more. */
export class FrameError extends Error {
  override readonly name = 'FrameError';
}

/** Content type of a body that is framed so and carries protobuf messages. */
export const grpcContentType = 'application/grpc+proto';

const headerBytes = 5;

/** One message with its header, in one buffer. */
export function encodeFrame(message: Uint8Array): Buffer {
  const frame = Buffer.allocUnsafe(headerBytes + message.length);
  frame[0] = 0;
  frame.writeUInt32BE(message.length, 1);
  frame.set(message, headerBytes);
  return frame;
}

/** Cuts a byte stream into messages, holding at most one incomplete message. */
export class FrameDecoder {
  readonly #messageBytesMax: number;
  #parts: Buffer[] = [];
  #buffered = 0;

  /** @param messageBytesMax a longer message is an error, before its bytes are kept. */
  constructor(messageBytesMax: number) {
    this.#messageBytesMax = messageBytesMax;
  }

  /** Whether a message has begun and not ended. */
  get partial(): boolean {
    return this.#buffered > 0;
  }

  /**
   * Takes the next bytes and returns the messages that they complete. The messages may share memory with `bytes`.
   *
   * @throws FrameError when a frame is compressed or too long.
   */
  push(bytes: Buffer): Uint8Array[] {
    this.#parts.push(bytes);
    this.#buffered += bytes.length;
    const messages: Uint8Array[] = [];
    let need = this.#needed();
    while (need !== undefined && this.#buffered >= need) {
      messages.push(this.#take(need).subarray(headerBytes));
      need = this.#needed();
    }
    return messages;
  }

  #needed(): number | undefined {
    if (this.#buffered < headerBytes) return undefined;
    const head = this.#join(headerBytes);
    if (head[0] !== 0) throw new FrameError(`frame has flags ${head[0]}, expected 0`);
    const length = head.readUInt32BE(1);
    if (length > this.#messageBytesMax) {
      throw new FrameError(`frame of ${length} bytes is over the limit of ${this.#messageBytesMax}`);
    }
    return headerBytes + length;
  }

  #take(count: number): Buffer {
    const joined = this.#join(count);
    const rest = joined.subarray(count);
    this.#parts[0] = rest;
    if (rest.length === 0) this.#parts.shift();
    this.#buffered -= count;
    return joined.subarray(0, count);
  }

  /** Makes the first part at least `count` bytes long and returns it. */
  #join(count: number): Buffer {
    const first = this.#parts[0];
    if (first && first.length >= count) return first;
    const joined = Buffer.concat(this.#parts);
    this.#parts = [joined];
    return joined;
  }
}
