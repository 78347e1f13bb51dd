import assert from 'node:assert/strict';
import { Writable } from 'node:stream';
import { test } from 'node:test';
import { FrameWriter } from './frame-writer.ts';

/** A stream that takes one write and is full then, until `drain`. */
class SlowStream extends Writable {
  readonly writes: string[] = [];
  #done: (() => void) | undefined;

  constructor() {
    super({ highWaterMark: 1 });
  }

  override _write(chunk: Buffer, _encoding: BufferEncoding, done: () => void): void {
    this.writes.push(chunk.toString());
    this.#done = done;
  }

  take(): void {
    this.#done?.();
  }
}

const turn = () => new Promise((resolve) => setImmediate(resolve));
const options = { framesMax: 10, bytesMax: 1_600, onOverflow: assert.fail };

test('FrameWriter writes the frames of a turn at once, and waits for a full stream', async () => {
  const stream = new SlowStream();
  const writer = new FrameWriter(stream, options);
  for (const text of ['a', 'b', 'c']) writer.write(Buffer.from(text));
  await turn();
  assert.deepEqual(stream.writes, ['abc']);
  writer.write(Buffer.from('d'));
  await turn();
  writer.write(Buffer.from('e'));
  const flushed = writer.flushed();
  assert.deepEqual(stream.writes, ['abc']);
  stream.take();
  await turn();
  assert.deepEqual(stream.writes, ['abc', 'de']);
  stream.take();
  await flushed;
});

test('FrameWriter gives up a stream that takes nothing, by the number or the size of what waits', async () => {
  const overflows: string[] = [];
  const onOverflow = (waiting: string) => void overflows.push(waiting);
  for (const frame of [Buffer.from('x'), Buffer.alloc(800)]) {
    const writer = new FrameWriter(new SlowStream(), { ...options, onOverflow });
    for (let i = 0; i < 20; i++) writer.write(frame);
    await writer.flushed();
  }
  assert.deepEqual(overflows, ['11 frames of 11 bytes', '3 frames of 2400 bytes']);
});

test('FrameWriter is crowded until the stream would take more, and says so once', async () => {
  const stream = new SlowStream();
  let room = 0;
  const writer = new FrameWriter(stream, { ...options, onRoom: () => room++ });
  writer.write(Buffer.alloc(100));
  assert.equal(writer.crowded, false);
  writer.write(Buffer.alloc(1));
  assert.equal(writer.crowded, true);
  await turn();
  assert.deepEqual([writer.crowded, room], [true, 0]);
  stream.take();
  await turn();
  assert.deepEqual([writer.crowded, room], [false, 1]);
  writer.write(Buffer.alloc(1));
  await turn();
  stream.take();
  await turn();
  assert.equal(room, 1);
});

test('FrameWriter.end() writes what waits, and nothing comes after it', async () => {
  const stream = new SlowStream();
  const writer = new FrameWriter(stream, options);
  writer.write(Buffer.from('a'));
  writer.end();
  writer.write(Buffer.from('b'));
  stream.take();
  await turn();
  assert.deepEqual(stream.writes, ['a']);
  assert.equal(stream.writableEnded, true);
});

test('FrameWriter takes nothing once its stream is gone', async () => {
  const stream = new SlowStream();
  const writer = new FrameWriter(stream, options);
  writer.write(Buffer.from('a'));
  stream.destroy();
  await turn();
  for (let i = 0; i < 20; i++) writer.write(Buffer.from('b'));
  await writer.flushed();
  assert.deepEqual(stream.writes, []);
});
