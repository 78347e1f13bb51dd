/** Messages that the controller sends on a request of ours, taken from the stream as they are asked for. */
import type { ClientHttp2Stream } from 'node:http2';
import { type DescMessage, fromBinary, type MessageShape } from '@bufbuild/protobuf';
import { RefusedOrderError } from '#agent/workload.ts';
import { FrameDecoder } from '#base/grpc-frames.ts';

/** What is read, and how much of it may be one message. */
export interface MessagesOptions<S extends DescMessage> {
  readonly schema: S;
  readonly bytesMax: number;
  /** What the messages are, for the refusal of one that cannot be decoded. */
  readonly what: string;
}

/**
 * The messages of a request as soon as that is open; none when it never is. Ends when the stream does, in whatever way.
 *
 * @throws RefusedOrderError for what cannot be decoded.
 */
export async function* readMessages<S extends DescMessage>(
  opened: Promise<ClientHttp2Stream | undefined>,
  options: MessagesOptions<S>,
): AsyncGenerator<MessageShape<S>> {
  const request = await opened;
  if (!request) return;
  const decoder = new FrameDecoder(options.bytesMax);
  try {
    // Whoever stops reading may still write.
    for await (const bytes of request.iterator({ destroyOnReturn: false })) {
      yield* decode(decoder, bytes as Buffer, options);
    }
  } catch (error) {
    // A stream that was reset is no failure of ours: whoever wrote to it is gone.
    if (error instanceof RefusedOrderError) throw error;
  }
}

function decode<S extends DescMessage>(
  decoder: FrameDecoder,
  bytes: Buffer,
  { schema, what }: MessagesOptions<S>,
): MessageShape<S>[] {
  try {
    return decoder.push(bytes).map((message) => fromBinary(schema, message));
  } catch (error) {
    throw new RefusedOrderError(`the controller sent ${what} that cannot be decoded`, { cause: error });
  }
}
