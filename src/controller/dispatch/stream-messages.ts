/** What an agent sends on a request of its own, message by message. Knows no message. */
import { constants, type ServerHttp2Stream } from 'node:http2';
import { FrameDecoder, FrameError } from '#base/grpc-frames.ts';
import { NodeRefusedError } from './dispatch.ts';

/** What such a request carries. */
export type StreamCargo = 'log' | 'input' | 'files';

/**
 * The messages of a stream, taken from it as they are asked for.
 *
 * @throws NodeRefusedError when it is not whole: the agent did not end it, or sent nonsense.
 */
export async function* readMessages(
  stream: ServerHttp2Stream,
  messageBytesMax: number,
  cargo: StreamCargo,
): AsyncGenerator<Uint8Array, void, undefined> {
  const decoder = new FrameDecoder(messageBytesMax);
  try {
    for await (const bytes of stream) yield* decoder.push(bytes);
  } catch (error) {
    if (error instanceof FrameError) throw nonsense(error.message);
    throw new BrokenOffError(cargo, error);
  }
  if (!isWhole(stream) || decoder.partial) throw new BrokenOffError(cargo);
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
