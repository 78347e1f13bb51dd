import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { encodeFrame, FrameDecoder, FrameError } from './grpc-frames.ts';

test('FrameDecoder returns what encodeFrame() framed, wherever the bytes are cut', () => {
  const messages = fc.array(fc.uint8Array({ maxLength: 300 }), { maxLength: 8 });
  const cuts = fc.array(fc.integer({ min: 1, max: 40 }), { minLength: 1, maxLength: 50 });
  fc.assert(
    fc.property(messages, cuts, (sent, sizes) => {
      const decoder = new FrameDecoder(300);
      const wire = Buffer.concat(sent.map(encodeFrame));
      const received: Uint8Array[] = [];
      for (let at = 0, i = 0; at < wire.length; i++) {
        const size = sizes[i % sizes.length] ?? 1;
        received.push(...decoder.push(wire.subarray(at, at + size)));
        at += size;
      }
      assert.deepEqual(
        received.map((m) => [...m]),
        sent.map((m) => [...m]),
      );
      assert.equal(decoder.partial, false);
    }),
  );
});

test('FrameDecoder.push() refuses a message over the limit before its bytes arrive', () => {
  const decoder = new FrameDecoder(10);
  assert.throws(() => decoder.push(Buffer.from([0, 0, 0, 0, 11])), FrameError);
});

test('FrameDecoder.push() refuses compressed frames', () => {
  assert.throws(() => new FrameDecoder(10).push(Buffer.from([1, 0, 0, 0, 1, 9])), FrameError);
});
