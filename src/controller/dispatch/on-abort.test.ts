import assert from 'node:assert/strict';
import { getEventListeners } from 'node:events';
import { test } from 'node:test';
import { onAbort } from './on-abort.ts';

test('onAbort() calls those that still wait, and gives a signal one listener', () => {
  const abort = new AbortController();
  const got: string[] = [];
  const callback = (name: string) => () => void got.push(name);
  const a = onAbort(abort.signal, callback('a'));
  onAbort(abort.signal, callback('b'));
  onAbort(abort.signal, callback('c'));
  a[Symbol.dispose]();
  a[Symbol.dispose]();
  assert.equal(getEventListeners(abort.signal, 'abort').length, 1);
  abort.abort();
  assert.deepEqual(got, ['b', 'c']);
});
