import assert from 'node:assert/strict';
import { test } from 'node:test';
import { outputAt, outputBytes, parseTaskScript } from './task-script.ts';

test('parseTaskScript() ends what is no simulated command at once', () => {
  const script = parseTaskScript(['/bin/true', 'exit=3']);
  assert.deepEqual([script.waitStatus, script.runsMs, script.starts], [0, 0, true]);
});

test('parseTaskScript() takes its words in any order', () => {
  const script = parseTaskScript(['sim', 'after=20', 'print=hello', 'exit=3', 'repeat=2', 'cut=after']);
  assert.deepEqual([script.waitStatus, script.runsMs, script.cut], [3 << 8, 20, 'after']);
  assert.equal(outputBytes(script), 12);
  assert.equal(parseTaskScript(['sim', 'after=never']).runsMs, Number.POSITIVE_INFINITY);
  assert.equal(parseTaskScript(['sim', 'signal=SIGSEGV']).waitStatus, 11);
});

test('parseTaskScript() refuses words that it does not know', () => {
  assert.throws(() => parseTaskScript(['sim', 'exti=3']), /no simulated task knows/);
  assert.throws(() => parseTaskScript(['sim', 'cut=now']), /cut=now/);
});

test('outputAt() gives any part of what is printed', () => {
  const script = parseTaskScript(['sim', 'print=abc', 'repeat=3']);
  const whole = 'abc\nabc\nabc\n';
  for (const [offset, bytes] of [
    [0, 100],
    [0, 1],
    [2, 5],
    [4, 4],
    [11, 9],
    [12, 1],
    [99, 1],
  ] as const) {
    assert.equal(outputAt(script, offset, bytes).toString(), whole.slice(offset, offset + bytes));
  }
  assert.equal(outputAt(parseTaskScript(['sim']), 0, 10).length, 0);
});
