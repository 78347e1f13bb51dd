import assert from 'node:assert/strict';
import { test } from 'node:test';
import { create, equals, fromBinary } from '@bufbuild/protobuf';
import fc from 'fast-check';
import { FrameDecoder } from '#base/grpc-frames.ts';
import { ControllerFrameSchema } from '#protocol/gen/drover/v1/link_pb.ts';
import { TaskSchema, TaskSpecSchema } from '#protocol/gen/drover/v1/task_pb.ts';
import { limits } from '#protocol/limits.ts';
import { startEncoder } from './encode-start.ts';

test('startEncoder() encodes what protobuf itself would', () => {
  const text = fc.string({ unit: 'binary' });
  const argv = fc.array(text, { maxLength: 300 });
  fc.assert(
    fc.property(text, argv, text, fc.integer({ min: 0, max: 2 ** 32 - 1 }), (id, args, operator, attempt) => {
      const spec = create(TaskSpecSchema, { argv: args, env: { A: operator } });
      const frame = startEncoder('run', spec, operator)(create(TaskSchema, { id }), attempt, 2n ** 40n);
      const [message] = new FrameDecoder(limits.messageBytesMax).push(frame);
      assert.ok(message);
      const value = { taskId: id, attempt, spec, operator, runId: 'run' };
      const expected = create(ControllerFrameSchema, { kind: { case: 'start', value }, number: 2n ** 40n });
      assert.ok(equals(ControllerFrameSchema, fromBinary(ControllerFrameSchema, message), expected));
    }),
  );
});
