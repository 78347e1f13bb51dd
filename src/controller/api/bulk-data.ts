/**
 * The data of log chunks, on a way of its own past the encoders: copied into a message and that into its frame, as Connect does,
 * a fast log would cost four times the CPU, most of it for collecting garbage.
 *
 *   handler ──chunk without data──► Connect ──frame──► attach ──frame with data──► connection
 *      └──────────────data, in the same order────────────►┘
 *
 * In Connect, gRPC and gRPC-Web a frame is a byte of flags, four bytes of length, and a message, whose fields may be in any
 * order: so the data follows as the last of them. JSON has no place for it; there chunks stay as they are.
 *
 * @see https://connectrpc.com/docs/protocol#streaming-request
 * @see https://protobuf.dev/programming-guides/encoding/#order
 */
import { BinaryWriter, WireType } from '@bufbuild/protobuf/wire';
import { type ContextValues, createContextKey, createContextValues } from '@connectrpc/connect';
import { type LogChunk, LogChunkSchema } from '#protocol/gen/drover/v1/task_pb.ts';

const headerBytes = 5;
const empty = new Uint8Array();

const bulkKey = createContextKey<BulkData | undefined>(undefined, { description: 'bulk data' });

/** Where the data of one answer is, for its handler. */
export interface BulkAnswer {
  readonly contextValues: ContextValues;
  /** The frames of the answer, with their data. */
  attach(frames: AsyncIterable<Uint8Array>): AsyncIterable<Uint8Array>;
}

/** @param contentType of the request; undefined: data stays in its messages. */
export function prepareBulk(contentType: string | undefined): BulkAnswer {
  const isBinary = contentType !== undefined && /^application\/(connect|grpc)\b/.test(contentType);
  if (!isBinary || contentType.includes('json')) {
    return { contextValues: createContextValues(), attach: (frames) => frames };
  }
  const bulk = new BulkData();
  return {
    contextValues: createContextValues().set(bulkKey, bulk),
    attach: (frames) => attachData(frames, bulk),
  };
}

/** The same chunks, for a handler that answers with nothing else: their data goes its own way where it can. */
export async function* detachData(
  chunks: AsyncIterable<LogChunk>,
  values: ContextValues,
): AsyncGenerator<LogChunk, void, undefined> {
  const bulk = values.get(bulkKey);
  for await (const chunk of chunks) {
    bulk?.waiting.push(chunk.data);
    yield bulk ? { ...chunk, data: empty } : chunk;
  }
}

class BulkData {
  /** Of messages whose frames have not come. */
  readonly waiting: Uint8Array[] = [];
}

async function* attachData(
  frames: AsyncIterable<Uint8Array>,
  { waiting }: BulkData,
): AsyncGenerator<Uint8Array, void, undefined> {
  for await (const frame of frames) {
    // One with flags is no message but the end.
    const data = frame[0] === 0 ? waiting.shift() : undefined;
    if (!data || data.length === 0) yield frame;
    else {
      yield withRoomFor(frame, data);
      yield data;
    }
  }
}

/** The frame up to where the data begins. */
function withRoomFor(frame: Uint8Array, { length }: Uint8Array): Uint8Array {
  const tag = new BinaryWriter()
    .tag(LogChunkSchema.field.data.number, WireType.LengthDelimited)
    .uint32(length)
    .finish();
  const head = Buffer.allocUnsafe(frame.length + tag.length);
  head.set(frame);
  head.set(tag, frame.length);
  head.writeUInt32BE(head.length - headerBytes + length, 1);
  return head;
}
