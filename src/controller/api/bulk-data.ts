/**
 * The data of log chunks, on a way of its own past the encoders: copied into a message and that into its frame, as Connect does,
 * a fast log would cost four times the CPU, most of it for collecting garbage.
 *
 *   handler ──message without data──► Connect ──frame──► attach ──frame with data──► connection
 *      └───────────────data, in the same order──────────────►┘
 *
 * In Connect, gRPC and gRPC-Web a frame is a byte of flags, four bytes of length, and a message, whose fields may be in any
 * order: so the data follows as the last of them. JSON has no place for it; there chunks stay as they are. A frame that was
 * compressed has none either: the API compresses nothing.
 *
 * @see https://connectrpc.com/docs/protocol#streaming-request
 * @see https://protobuf.dev/programming-guides/encoding/#order
 */
import type { DescMessage } from '@bufbuild/protobuf';
import { BinaryReader } from '@bufbuild/protobuf/wire';
import { type ContextValues, createContextKey, createContextValues } from '@connectrpc/connect';
import { encodeFieldHead } from '#base/field-head.ts';
import { encodeFrameHead, frameHeaderBytes } from '#base/grpc-frames.ts';
import { type FollowTasksResponse, FollowTasksResponseSchema } from '#protocol/gen/drover/v1/api_pb.ts';
import { type LogChunk, LogChunkSchema } from '#protocol/gen/drover/v1/task_pb.ts';

const empty = new Uint8Array();

/** The answers that carry chunks, and the field of each that holds one; the first is one itself. */
const carriers: Readonly<Record<string, number | undefined>> = {
  [LogChunkSchema.typeName]: undefined,
  [FollowTasksResponseSchema.typeName]: FollowTasksResponseSchema.field.log.number,
};

/** Data of the messages whose frames have not come, one for each: empty where a message has none. */
type Waiting = Uint8Array[];

const waitingKey = createContextKey<Waiting | undefined>(undefined, { description: 'bulk data' });

/** Where the data of one answer is, for its handler. */
export interface BulkAnswer {
  readonly contextValues: ContextValues;
  /** The frames of the answer, with their data. */
  attach(frames: AsyncIterable<Uint8Array>): AsyncIterable<Uint8Array>;
}

/**
 * @param output what the method answers with.
 * @param contentType of the request.
 * @returns the way of its data; undefined where that stays in its messages.
 */
export function prepareBulk(output: DescMessage, contentType = ''): BulkAnswer | undefined {
  if (!(output.typeName in carriers)) return undefined;
  if (!/^application\/(connect|grpc)\b/.test(contentType) || contentType.includes('json')) return undefined;
  const waiting: Waiting = [];
  return {
    contextValues: createContextValues().set(waitingKey, waiting),
    attach: (frames) => attachData(frames, waiting, carriers[output.typeName]),
  };
}

/** The same chunks; their data goes its own way where it can. For a handler that answers with nothing else. */
export async function* detachData(
  chunks: AsyncIterable<LogChunk>,
  values: ContextValues,
): AsyncGenerator<LogChunk, void, undefined> {
  const waiting = values.get(waitingKey);
  for await (const chunk of chunks) {
    waiting?.push(chunk.data);
    yield waiting ? { ...chunk, data: empty } : chunk;
  }
}

/** The same responses; the data of chunks among them goes its own way where it can. For a handler that answers with nothing else. */
export async function* detachLogs(
  responses: AsyncIterable<FollowTasksResponse>,
  values: ContextValues,
): AsyncGenerator<FollowTasksResponse, void, undefined> {
  const waiting = values.get(waitingKey);
  for await (const response of responses) {
    const { kind } = response;
    waiting?.push(kind.case === 'log' ? kind.value.data : empty);
    yield waiting && kind.case === 'log'
      ? { ...response, kind: { case: 'log', value: { ...kind.value, data: empty } } }
      : response;
  }
}

async function* attachData(
  frames: AsyncIterable<Uint8Array>,
  waiting: Waiting,
  carrier: number | undefined,
): AsyncGenerator<Uint8Array, void, undefined> {
  for await (const frame of frames) {
    // One with flags is no message but the end.
    const data = frame[0] === 0 ? waiting.shift() : undefined;
    if (!data || data.length === 0) yield frame;
    else {
      yield beginFrame(frame.subarray(frameHeaderBytes), data, carrier);
      yield data;
    }
  }
}

/** The frame of a message up to where the data begins. */
function beginFrame(message: Uint8Array, { length }: Uint8Array, carrier: number | undefined): Buffer {
  const label = encodeFieldHead(LogChunkSchema.field.data.number, length);
  if (carrier === undefined) return encodeFrameHead([message, label], length);
  const reader = new BinaryReader(message);
  reader.tag();
  const chunk = reader.bytes();
  const outer = encodeFieldHead(carrier, chunk.length + label.length + length);
  return encodeFrameHead([outer, chunk, label], length);
}
