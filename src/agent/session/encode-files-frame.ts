/**
 * A frame about files, without copying the bytes of a file in it: what is around them is written by hand, and they follow as the
 * last field of the innermost message. All other frames are encoded as ever.
 *
 * @see encode-log-frame.ts, which says what that saves.
 */
import { toBinary } from '@bufbuild/protobuf';
import { BinaryWriter, WireType } from '@bufbuild/protobuf/wire';
import { encodeFrame } from '#base/grpc-frames.ts';
import {
  ChunkDataSchema,
  ChunkRefSchema,
  FileAnswerSchema,
  SenderFrameSchema,
} from '#protocol/gen/drover/v1/file_pb.ts';
import { type FilesUp, FilesUpSchema } from '#protocol/gen/drover/v1/link_pb.ts';

const frameHeaderBytes = 5;

/** The frame, in one part or in two that follow one another; the second is the file's bytes themselves. */
export function encodeFilesFrame(frame: FilesUp): readonly Uint8Array[] {
  const { kind } = frame;
  if (kind.case === 'sender' && kind.value.kind.case === 'chunk') {
    const { ref, data } = kind.value.kind.value;
    const fields = new BinaryWriter();
    if (ref)
      fields
        .tag(ChunkDataSchema.field.ref.number, WireType.LengthDelimited)
        .bytes(toBinary(ChunkRefSchema, ref));
    const outer = [FilesUpSchema.field.sender.number, SenderFrameSchema.field.chunk.number];
    return wrap(outer, fields.finish(), ChunkDataSchema.field.data.number, data);
  }
  if (kind.case === 'answer' && kind.value.kind.case === 'data') {
    const outer = [FilesUpSchema.field.answer.number];
    return wrap(outer, new Uint8Array(), FileAnswerSchema.field.data.number, kind.value.kind.value);
  }
  return [encodeFrame(toBinary(FilesUpSchema, frame))];
}

/** A message of `fields` and then `data`, in the fields `outer` of messages around it, the outermost first. */
function wrap(
  outer: readonly number[],
  fields: Uint8Array,
  dataField: number,
  data: Uint8Array,
): Uint8Array[] {
  let head = Buffer.concat([fields, label(dataField, data.length)]);
  for (const field of outer.toReversed())
    head = Buffer.concat([label(field, head.length + data.length), head]);
  const header = Buffer.alloc(frameHeaderBytes);
  header.writeUInt32BE(head.length + data.length, 1);
  return [Buffer.concat([header, head]), data];
}

function label(field: number, length: number): Uint8Array {
  return new BinaryWriter().tag(field, WireType.LengthDelimited).uint32(length).finish();
}
