import assert from 'node:assert/strict';
import { test } from 'node:test';
import { create, fromBinary } from '@bufbuild/protobuf';
import { FrameDecoder } from '#base/grpc-frames.ts';
import { ChunkRefSchema } from '#protocol/gen/drover/v1/file_pb.ts';
import { FilesDownSchema } from '#protocol/gen/drover/v1/link_pb.ts';
import { limits } from '#protocol/limits.ts';
import { encodeChunkHead } from './chunk-frame.ts';
import { digestOf, someBytes } from './testing/test-tree.ts';

test('encodeChunkHead() is what the schema would have written before the data', () => {
  for (const length of [1, 127, 128, 16_384, limits.fileChunkBytes]) {
    for (const [entry, index] of [
      [0, 0],
      [9_999_999, 20_000],
    ] as const) {
      const data = someBytes(length);
      const ref = create(ChunkRefSchema, { entry, index, digest: digestOf(data) });
      const frame = Buffer.concat([encodeChunkHead(ref, data), data]);
      const [message, ...rest] = new FrameDecoder(limits.messageBytesMax).push(frame);
      assert.deepEqual([rest, message?.length], [[], frame.length - 5]);
      const { kind } = fromBinary(FilesDownSchema, message ?? new Uint8Array());
      assert.ok(kind.case === 'sender' && kind.value.kind.case === 'chunk');
      const chunk = kind.value.kind.value;
      assert.deepEqual(chunk.ref, ref);
      assert.ok(data.equals(chunk.data));
    }
  }
});
