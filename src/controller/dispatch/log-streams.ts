/**
 * What tasks print, from their nodes to a reader: asks the agent for a stream, reads it as fast as the reader does and no faster,
 * and resumes it over a new session when the link was cut. Keeps one message at a time; what else is on its way waits in
 * the stream's flow-control window (256 KiB).
 */
import { constants, type ServerHttp2Stream } from 'node:http2';
import { create, fromBinary, toBinary } from '@bufbuild/protobuf';
import { encodeFrame } from '#base/grpc-frames.ts';
import { PushResponseSchema } from '#protocol/gen/drover/v1/link_pb.ts';
import { type LogChunk, LogChunkSchema, LogSource, type Task } from '#protocol/gen/drover/v1/task_pb.ts';
import { limits } from '#protocol/limits.ts';
import type { AgentSession } from './agent-session.ts';
import { type LogRequest, NodeRefusedError } from './dispatch.ts';
import { respondStream } from './grpc-response.ts';
import { isTime } from './is-time.ts';
import { LogPosition } from './log-position.ts';
import type { NodeLinks } from './node-links.ts';
import { onAbort } from './on-abort.ts';
import { BrokenOffError, nonsense, readMessages } from './stream-messages.ts';

/** A chunk: its data, and the fields around it. */
const chunkBytesMax = limits.logChunkBytesMax + (1 << 10);

/**
 * @see Dispatch.readLog
 *
 * @throws NodeRefusedError when the node refuses, is not connected (and not `follow`), or sends nonsense.
 * @throws the reason of `abort`.
 */
export async function* readLog(
  links: NodeLinks,
  task: Task,
  request: LogRequest,
  abort: AbortSignal,
): AsyncGenerator<LogChunk, void, undefined> {
  const position = new LogPosition(request);
  for (;;) {
    const session = request.follow ? await links.whenOpen(task.node, abort) : links.open(task.node);
    if (!session) throw new NodeRefusedError('the node is not connected');
    const whole = yield* readOnce(session, task, request, position, abort);
    if (whole) return;
    if (!request.follow) throw new NodeRefusedError('the connection to the node broke');
  }
}

/** Reads until the end, which gives true, or until the session is cut. */
async function* readOnce(
  session: AgentSession,
  task: Task,
  request: LogRequest,
  position: LogPosition,
  abort: AbortSignal,
): AsyncGenerator<LogChunk, boolean, undefined> {
  const { source, follow, interactive = false } = request;
  const order = { taskId: task.id, source, follow, interactive, ...position.next() };
  const frame = (streamId: bigint) => ({ case: 'openLog', value: { ...order, streamId } }) as const;
  try {
    using log = await session.open('push', frame, abort);
    yield* readPush(log.stream, task, request, position, abort);
    return true;
  } catch (error) {
    abort.throwIfAborted();
    if (session.isCut) return false;
    throw error;
  }
}

async function* readPush(
  stream: ServerHttp2Stream,
  task: Task,
  request: LogRequest,
  position: LogPosition,
  abort: AbortSignal,
): AsyncGenerator<LogChunk, void, undefined> {
  if (abort.aborted) stream.destroy();
  using _stop = onAbort(abort, () => void stream.destroy());
  try {
    if (stream.destroyed || stream.closed) throw new BrokenOffError('log');
    respondStream(stream);
    for await (const message of readMessages(stream, chunkBytesMax, 'log'))
      yield decodeChunk(message, task, request, position);
    stream.end(encodeFrame(toBinary(PushResponseSchema, create(PushResponseSchema))));
  } finally {
    if (!stream.writableEnded && !stream.closed) stream.close(constants.NGHTTP2_CANCEL);
  }
}

function decodeChunk(message: Uint8Array, task: Task, request: LogRequest, position: LogPosition): LogChunk {
  const chunk = parseChunk(message);
  chunk.taskId = task.id;
  chunk.node = task.node;
  const refusal = chunk.caughtUp
    ? (refuseCaughtUp(chunk, request) ?? position.take(chunk))
    : (refuseChunk(chunk, request) ?? position.advance(chunk));
  if (refusal !== undefined) throw nonsense(refusal);
  if (!request.times) delete chunk.writtenAt;
  return chunk;
}

function parseChunk(message: Uint8Array): LogChunk {
  try {
    return fromBinary(LogChunkSchema, message, { readUnknownFields: false });
  } catch (error) {
    throw nonsense(error instanceof Error ? error.message : String(error));
  }
}

function refuseChunk(
  { source, data, goneBytes, writtenAt }: LogChunk,
  request: LogRequest,
): string | undefined {
  if (data.length > limits.logChunkBytesMax) return `a chunk of ${data.length} bytes`;
  if (data.length === 0 && goneBytes === 0n) return 'a chunk of nothing';
  if (source !== LogSource.STDOUT && source !== LogSource.STDERR) return `output of source ${source}`;
  if (request.source !== LogSource.UNSPECIFIED && source !== request.source) return 'output not asked for';
  if (writtenAt && !isTime(writtenAt)) return `output of second ${writtenAt.seconds} of our time`;
  return undefined;
}

function refuseCaughtUp(
  { data, goneBytes, skippedBytes }: LogChunk,
  request: LogRequest,
): string | undefined {
  if (!request.times) return 'that it has caught up, without being asked';
  return data.length > 0 || goneBytes + skippedBytes > 0n ? 'that it has caught up, with output' : undefined;
}
