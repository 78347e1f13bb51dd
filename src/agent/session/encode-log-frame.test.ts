import assert from 'node:assert/strict';
import { test } from 'node:test';
import { create, equals, fromBinary } from '@bufbuild/protobuf';
import fc from 'fast-check';
import { FrameDecoder } from '#base/grpc-frames.ts';
import { LogChunkSchema } from '#protocol/gen/drover/v1/task_pb.ts';
import { encodeLogFrame } from './encode-log-frame.ts';

test('encodeLogFrame() writes a frame that decodes to the chunk', () => {
  const chunks = fc.record({
    taskId: fc.string(),
    node: fc.string(),
    attempt: fc.nat(),
    source: fc.constantFrom(0, 1, 2),
    offset: fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }),
    data: fc.uint8Array({ maxLength: 70_000, size: 'max' }),
    goneBytes: fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }),
  });
  fc.assert(
    fc.property(chunks, (fields) => {
      const chunk = create(LogChunkSchema, fields);
      const [message, ...more] = new FrameDecoder(1 << 20).push(Buffer.concat(encodeLogFrame(chunk)));
      assert.equal(more.length, 0);
      const decoded = fromBinary(LogChunkSchema, message ?? new Uint8Array());
      assert.ok(equals(LogChunkSchema, decoded, chunk));
    }),
    { numRuns: 50 },
  );
});
