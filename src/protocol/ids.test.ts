import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { v7 } from 'uuid';
import { isNodeName, isRunId, isTaskId, taskIdFromBytes } from './ids.ts';

test('taskIdFromBytes() always makes a task id, which is never a number', () => {
  fc.assert(
    fc.property(fc.uint8Array({ minLength: 10, maxLength: 10 }), (bytes) => {
      const id = taskIdFromBytes(bytes);
      assert.ok(isTaskId(id));
      assert.ok(Number.isNaN(Number(id)));
    }),
  );
});

test('taskIdFromBytes() needs ten bytes', () => {
  assert.throws(() => taskIdFromBytes(new Uint8Array(9)), RangeError);
});

for (const name of ['', '.', '..', '-a', '_a', 'A', 'a/b', 'a b', 'a\n', `a${'b'.repeat(63)}`]) {
  test(`isNodeName() refuses ${JSON.stringify(name)}`, () => assert.equal(isNodeName(name), false));
}

test('isRunId() takes UUIDv7 and nothing else', () => {
  assert.ok(isRunId(v7()));
  assert.equal(isRunId('0190163d-8694-4bd1-9b3a-000000000000'), false);
  assert.equal(isRunId(`${v7()}/..`), false);
});
