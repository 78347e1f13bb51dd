/**
 * Input on its way to one task: asks the agent for a request to send it on, sends no faster than the task takes it, and goes on over
 * a new session when the link was cut. Keeps no input: the supply does, until it was taken.
 */
import { once } from 'node:events';
import { constants, type ServerHttp2Stream } from 'node:http2';
import { create, fromBinary, toBinary } from '@bufbuild/protobuf';
import { encodeFrame } from '#base/grpc-frames.ts';
import { InputFrameSchema, InputTakenSchema } from '#protocol/gen/drover/v1/link_pb.ts';
import type { Task } from '#protocol/gen/drover/v1/task_pb.ts';
import type { InputKind, InputSupply } from './dispatch.ts';
import { respondStream } from './grpc-response.ts';
import type { NodeLinks } from './node-links.ts';
import { onAbort } from './on-abort.ts';
import { BrokenOffError, nonsense, readMessages } from './stream-messages.ts';

/** An offset. */
const takenBytesMax = 64;

/** Whom input is for. */
export interface InputTarget {
  readonly task: Task;
  readonly attempt: number;
}

/**
 * @see Dispatch.giveInput
 *
 * @throws NodeRefusedError when the node refuses, breaks it off twice in a row without anything taken, or sends nonsense.
 * @throws the reason of `abort`.
 */
export async function giveInput(
  links: NodeLinks,
  target: InputTarget,
  supply: InputSupply,
  abort: AbortSignal,
): Promise<void> {
  let progress = true;
  const counting: InputSupply = {
    begin: (taken) => supply.begin(taken),
    advance(taken) {
      progress = true;
      supply.advance(taken);
    },
    next: (signal) => supply.next(signal),
  };
  const { task, attempt } = target;
  const order = (streamId: bigint) =>
    ({ case: 'openInput', value: { streamId, taskId: task.id, attempt } }) as const;
  for (;;) {
    const session = await links.whenOpen(task.node, abort);
    try {
      using input = await session.open('pull', order, abort);
      const ending = await carry(input.stream, counting, abort);
      if (ending === 'over') return;
      if (!session.isCut && !progress) throw new BrokenOffError('input');
      progress = false;
    } catch (error) {
      abort.throwIfAborted();
      if (!session.isCut) throw error;
    }
  }
}

/**
 * Carries input on one request. Resolves with "over" when the agent has ended it or the supply has no more, with "broken off"
 * when it was lost.
 */
async function carry(
  stream: ServerHttp2Stream,
  supply: InputSupply,
  abort: AbortSignal,
): Promise<'over' | 'broken off'> {
  if (abort.aborted) stream.destroy();
  using _stop = onAbort(abort, () => void stream.destroy());
  const reading = new AbortController();
  let isOver = false;
  try {
    if (stream.destroyed || stream.closed) return 'broken off';
    respondStream(stream);
    const offsets = readOffsets(stream);
    const first = await offsets.next();
    isOver = first.done === true;
    if (first.done) return 'over';
    supply.begin(first.value);
    const sending = send(stream, supply, AbortSignal.any([abort, reading.signal]));
    sending.catch(() => {});
    for await (const taken of offsets) supply.advance(taken);
    isOver = true;
    return 'over';
  } catch (error) {
    abort.throwIfAborted();
    if (!(error instanceof BrokenOffError)) throw error;
    return 'broken off';
  } finally {
    reading.abort();
    if (!stream.closed) endStream(stream, isOver);
  }
}

/** Up to where input was taken, as the agent tells it. @throws NodeRefusedError */
async function* readOffsets(stream: ServerHttp2Stream): AsyncGenerator<bigint, void, undefined> {
  let last = 0n;
  for await (const message of readMessages(stream, takenBytesMax, 'input')) {
    const { offset } = decodeTaken(message);
    if (offset < last) throw nonsense(`input taken up to byte ${offset} after byte ${last}`);
    last = offset;
    yield offset;
  }
}

function decodeTaken(message: Uint8Array) {
  try {
    return fromBinary(InputTakenSchema, message, { readUnknownFields: false });
  } catch (error) {
    throw nonsense(error instanceof Error ? error.message : String(error));
  }
}

/** Sends what the supply has; ends the answer when it has no more, which ends the agent's side too. */
async function send(stream: ServerHttp2Stream, supply: InputSupply, abort: AbortSignal): Promise<void> {
  for (let kind = await supply.next(abort); kind; kind = await supply.next(abort)) {
    if (!stream.write(encodeInput(kind))) await once(stream, 'drain', { signal: abort });
  }
  stream.end();
}

function encodeInput(kind: InputKind): Buffer {
  return encodeFrame(toBinary(InputFrameSchema, create(InputFrameSchema, { kind })));
}

function endStream(stream: ServerHttp2Stream, isOver: boolean): void {
  // What the agent still sends, nobody would read.
  if (!isOver) stream.close(constants.NGHTTP2_CANCEL);
  else if (stream.writableEnded) stream.close(constants.NGHTTP2_NO_ERROR);
  else stream.end();
}
