import assert from 'node:assert/strict';
import { test } from 'node:test';
import { UsageError } from '#base/command-line.ts';
import { parseSignal } from './signals.ts';

test('parseSignal() gives the name that the API knows', () => {
  assert.equal(parseSignal('term', '-s'), 'SIGTERM');
  assert.equal(parseSignal('37', '-s'), 'SIGRTMIN+3');
});

test('parseSignal() says which option takes no such signal', () => {
  const message = '-s takes a signal such as TERM, SIGHUP, 9 or RTMIN+3, not "NOPE"';
  assert.throws(() => parseSignal('NOPE', '-s'), new UsageError(message));
});
