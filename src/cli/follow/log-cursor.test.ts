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

test('LogCursor.resumption() of one task is its very byte, of several the first attempt that may have more', () => {
  const cursor = new LogCursor();
  cursor.beginAt('t', 2);
  cursor.beginAt('u', 3);
  assert.equal(cursor.resumption(['t']), undefined);
  assert.equal(cursor.unread(chunk(0, 5)), undefined);
  assert.ok(cursor.unread({ ...chunk(0, 5), attempt: 2 }));
  assert.deepEqual(cursor.resumption(['t']), { fromAttempt: 2, stdoutOffset: 5n, stderrOffset: 0n });
  assert.deepEqual(cursor.resumption(['t', 'u']), { fromAttempt: 2 });
  assert.ok(cursor.unread({ ...chunk(0, 3), attempt: 3 }));
  assert.deepEqual(cursor.resumption(['t']), { fromAttempt: 3, stdoutOffset: 3n, stderrOffset: 0n });
  assert.equal(cursor.unread({ ...chunk(5, 9), attempt: 2 }), undefined);
});

test('LogCursor counts what is gone once', () => {
  const cursor = new LogCursor();
  cursor.unread(chunk(0, 4));
  const gone = { ...chunk(10, 12), goneBytes: 10n };
  assert.equal(cursor.unread(gone)?.goneBytes, 6n);
  assert.equal(cursor.unread(gone), undefined);
  assert.equal(cursor.unread({ ...chunk(20, 20), goneBytes: 8n })?.goneBytes, 8n);
});
