import assert from 'node:assert/strict';
import { Writable } from 'node:stream';
import { test } from 'node:test';
import { limits } from '#protocol/limits.ts';
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

test('FrameWriter writes the frames of a turn at once, and waits for a full stream', async () => {
  const stream = new SlowStream();
  const writer = new FrameWriter(stream, assert.fail);
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

test('FrameWriter gives up a stream that takes nothing', async () => {
  const reasons: string[] = [];
  const writer = new FrameWriter(new SlowStream(), (reason) => reasons.push(reason));
  const frame = Buffer.from('x');
  for (let i = 0; i < limits.sessionQueueMax + 2; i++) writer.write(frame);
  assert.deepEqual(reasons, ['it is too slow: 20001 commands of 20001 bytes wait for it']);
  await writer.flushed();

  const big = Buffer.alloc(limits.messageBytesMax);
  const another = new FrameWriter(new SlowStream(), (reason) => reasons.push(reason));
  for (let bytes = 0; bytes <= limits.sessionQueueBytesMax; bytes += big.length) another.write(big);
  assert.equal(reasons.length, 2);
});

test('FrameWriter.end() writes what waits, and nothing comes after it', async () => {
  const stream = new SlowStream();
  const writer = new FrameWriter(stream, assert.fail);
  writer.write(Buffer.from('a'));
  writer.end();
  writer.write(Buffer.from('b'));
  stream.take();
  await turn();
  assert.deepEqual(stream.writes, ['a']);
  assert.equal(stream.writableEnded, true);
});
