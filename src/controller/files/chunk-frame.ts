/**
 * A chunk as a node is sent it, without a copy of its bytes: what stands before them in the frame is written by hand, so that all nodes
 * share one buffer. The test holds it to the schema.
 */
import { toBinary } from '@bufbuild/protobuf';
import { BinaryWriter, WireType } from '@bufbuild/protobuf/wire';
import { type ChunkRef, ChunkRefSchema } from '#protocol/gen/drover/v1/file_pb.ts';

/** Numbers of the fields on the way down to the data. */
const fields = { sender: 1, chunk: 3, ref: 1, data: 2 } as const;

/** The bytes that stand before those of the chunk in its gRPC frame. */
export function encodeChunkHead(ref: ChunkRef, { length }: Uint8Array): Buffer {
  const chunk = new BinaryWriter()
    .tag(fields.ref, WireType.LengthDelimited)
    .bytes(toBinary(ChunkRefSchema, ref))
    .tag(fields.data, WireType.LengthDelimited)
    .uint32(length)
    .finish();
  const sender = within(fields.chunk, chunk, length);
  const down = within(fields.sender, sender, length);
  const head = Buffer.alloc(5 + down.length);
  head.writeUInt32BE(down.length + length, 1);
  head.set(down, 5);
  return head;
}

/** `inner`, with `length` bytes behind it, as the content of a field. */
function within(field: number, inner: Uint8Array, length: number): Uint8Array {
  return new BinaryWriter()
    .tag(field, WireType.LengthDelimited)
    .uint32(inner.length + length)
    .raw(inner)
    .finish();
}
