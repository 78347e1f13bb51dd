import assert from 'node:assert/strict';
import { once } from 'node:events';
import { Writable } from 'node:stream';
import { test } from 'node:test';
import { limits } from '#protocol/limits.ts';
import { FrameWriter } from './frame-writer.ts';

/** A stream whose writes finish when the test says so. */
function slowStream() {
  const writes: { bytes: number; done: () => void }[] = [];
  const stream = new Writable({
    highWaterMark: Number.MAX_SAFE_INTEGER,
    write(chunk: Buffer, _encoding, done) {
      writes.push({ bytes: chunk.length, done });
      stream.emit('written');
    },
  });
  return { stream, writes };
}

test('FrameWriter writes all frames of one turn at once', async () => {
  const { stream, writes } = slowStream();
  const writer = new FrameWriter(stream, { onRoom: () => {}, onOverflow: assert.fail });
  const written = once(stream, 'written');
  for (let i = 0; i < 100; i++) writer.write(new Uint8Array(7));
  await written;
  assert.deepEqual(
    writes.map((write) => write.bytes),
    [100 * (5 + 7)],
  );
});

test('FrameWriter is crowded until what was written has left', async () => {
  const { stream, writes } = slowStream();
  let room = 0;
  const writer = new FrameWriter(stream, { onRoom: () => room++, onOverflow: assert.fail });
  const written = once(stream, 'written');
  writer.write(new Uint8Array(300_000));
  assert.equal(writer.crowded, true);
  await written;
  assert.equal(writer.crowded, true);
  writes[0]?.done();
  await new Promise((resolve) => setImmediate(resolve));
  assert.equal(writer.crowded, false);
  assert.equal(room, 1);
});

test('FrameWriter overflows at its limit, and takes nothing after the end of the stream', () => {
  const { stream } = slowStream();
  let overflows = 0;
  const writer = new FrameWriter(stream, { onRoom: () => {}, onOverflow: () => overflows++ });
  writer.write(new Uint8Array(limits.linkBufferBytesMax - 5));
  assert.equal(overflows, 0);
  writer.write(new Uint8Array());
  assert.equal(overflows, 1);
  stream.destroy();
  writer.write(new Uint8Array());
  assert.equal(overflows, 1);
});
