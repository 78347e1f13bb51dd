import assert from 'node:assert/strict';
import { test } from 'node:test';
import { create } from '@bufbuild/protobuf';
import fc from 'fast-check';
import { LogChunkSchema, LogSource } from '#protocol/gen/drover/v1/task_pb.ts';
import { LogCursor } from './log-cursor.ts';

const text = 'the whole output of a task';
const chunk = (from: number, to: number) =>
  create(LogChunkSchema, {
    taskId: 't',
    attempt: 1,
    source: LogSource.STDOUT,
    offset: BigInt(from),
    data: new TextEncoder().encode(text.slice(from, to)),
  });

test('LogCursor yields every byte once, however often the stream begins again', () => {
  const pass = fc.array(fc.integer({ min: 1, max: 9 }));
  fc.assert(
    fc.property(fc.array(pass), (passes) => {
      const cursor = new LogCursor();
      let read = '';
      for (const sizes of [...passes, [text.length]]) {
        let at = 0;
        for (const size of sizes) {
          const unread = cursor.unread(chunk(at, at + size));
          if (unread) read += new TextDecoder().decode(unread.data);
          at = Math.min(at + size, text.length);
        }
      }
      assert.equal(read, text);
    }),
  );
});

test('LogCursor begins where the first chunk does, and keeps outputs apart', () => {
  const cursor = new LogCursor();
  assert.equal(cursor.unread(chunk(10, 12))?.offset, 10n);
  assert.equal(cursor.unread(chunk(0, 12)), undefined);
  assert.ok(cursor.unread({ ...chunk(0, 5), source: LogSource.STDERR }));
});
