import assert from 'node:assert/strict';
import { test } from 'node:test';
import { create, equals, fromBinary } from '@bufbuild/protobuf';
import fc from 'fast-check';
import { FrameDecoder } from '#base/grpc-frames.ts';
import { type FilesUp, FilesUpSchema } from '#protocol/gen/drover/v1/link_pb.ts';
import { limits } from '#protocol/limits.ts';
import { encodeFilesFrame } from './encode-files-frame.ts';

test('encodeFilesFrame() is read back as what it was, and does not copy the bytes of files', () => {
  const bytes = fc.uint8Array({ maxLength: 300 });
  const ref = fc.record({ entry: fc.nat(), index: fc.nat(), digest: bytes });
  const sender = fc.record({ ref: fc.option(ref, { nil: undefined }), data: bytes });
  const frames = fc.oneof(
    sender.map((value) =>
      create(FilesUpSchema, {
        kind: {
          case: 'sender',
          value: {
            kind: { case: 'chunk', value: { data: value.data, ...(value.ref && { ref: value.ref }) } },
          },
        },
      }),
    ),
    bytes.map((value) =>
      create(FilesUpSchema, { kind: { case: 'answer', value: { kind: { case: 'data', value } } } }),
    ),
    bytes.map((content) =>
      create(FilesUpSchema, {
        kind: { case: 'sender', value: { kind: { case: 'entry', value: { path: 'a', content } } } },
      }),
    ),
  );
  fc.assert(
    fc.property(frames, (frame: FilesUp) => {
      const parts = encodeFilesFrame(frame);
      const [message] = new FrameDecoder(limits.messageBytesMax).push(Buffer.concat(parts));
      assert.ok(message);
      assert.ok(equals(FilesUpSchema, fromBinary(FilesUpSchema, message), frame));
    }),
  );
  const data = new Uint8Array(9);
  const [, second] = encodeFilesFrame(
    create(FilesUpSchema, { kind: { case: 'answer', value: { kind: { case: 'data', value: data } } } }),
  );
  assert.equal(second, data);
});
