import assert from 'node:assert/strict';
import { test } from 'node:test';
import { restoreAtEnd } from './restore-at-end.ts';

test('restoreAtEnd() restores at a signal that somebody else answers, and once', () => {
  let restored = 0;
  const other = () => {};
  process.on('SIGTERM', other);
  try {
    using _restoring = restoreAtEnd(() => void restored++);
    process.emit('SIGTERM', 'SIGTERM');
    process.emit('SIGTERM', 'SIGTERM');
    assert.equal(restored, 1);
  } finally {
    process.off('SIGTERM', other);
  }
});

test('restoreAtEnd() leaves no listener', () => {
  const count = () => ['exit', 'SIGTERM', 'SIGHUP'].map((name) => process.listenerCount(name));
  const before = count();
  restoreAtEnd(() => assert.fail('nothing has ended'))[Symbol.dispose]();
  assert.deepEqual(count(), before);
});
