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

/** Bytes in front of each message. */
export const frameHeaderBytes = 5;

/** One message with its header, in one buffer. */
export function encodeFrame(message: Uint8Array): Buffer {
  return encodeFrameHead([message], 0);
}

/** The header of a message and its first parts, in one buffer; `restBytes` more are to follow on their own. */
export function encodeFrameHead(parts: readonly Uint8Array[], restBytes: number): Buffer {
  const length = parts.reduce((sum, part) => sum + part.length, 0);
  const head = Buffer.allocUnsafe(frameHeaderBytes + length);
  head[0] = 0;
  head.writeUInt32BE(length + restBytes, 1);
  let at = frameHeaderBytes;
  for (const part of parts) {
    head.set(part, at);
    at += part.length;
  }
  return head;
}

/**
 * How long the message is that this header announces.
 *
 * @throws FrameError when it is compressed, or longer than `messageBytesMax`.
 */
export function messageLength(header: Buffer, messageBytesMax: number): number {
  if (header[0] !== 0) throw new FrameError(`frame has flags ${header[0]}, expected 0`);
  const length = header.readUInt32BE(1);
  if (length > messageBytesMax) {
    throw new FrameError(`frame of ${length} bytes is over the limit of ${messageBytesMax}`);
  }
  return length;
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
      messages.push(this.#take(need).subarray(frameHeaderBytes));
      need = this.#needed();
    }
    return messages;
  }

  #needed(): number | undefined {
    if (this.#buffered < frameHeaderBytes) return undefined;
    return frameHeaderBytes + messageLength(this.#head(), this.#messageBytesMax);
  }

  /** The first part, at least a header long. */
  #head(): Buffer {
    const [first] = this.#parts;
    if (first && first.length >= frameHeaderBytes) return first;
    const joined = Buffer.concat(this.#parts);
    this.#parts = [joined];
    return joined;
  }

  /** Of what spans several parts exactly its own bytes are copied: what is left over lies in the last part. */
  #take(count: number): Buffer {
    const [first] = this.#parts;
    const last = this.#parts.at(-1);
    const taken =
      first && first.length >= count ? first.subarray(0, count) : Buffer.concat(this.#parts, count);
    this.#buffered -= count;
    const rest = last?.subarray(last.length - this.#buffered);
    this.#parts = rest && rest.length > 0 ? [rest] : [];
    return taken;
  }
}
