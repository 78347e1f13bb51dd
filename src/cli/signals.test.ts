import assert from 'node:assert/strict';
import { test } from 'node:test';
import { UsageError } from '#base/command-line.ts';
import { parseSignal, signalNumber } from './signals.ts';

for (const [text, name, number] of [
  ['TERM', 'SIGTERM', 15],
  ['sigkill', 'SIGKILL', 9],
  ['1', 'SIGHUP', 1],
  ['40', 'SIG40', 40],
] as const) {
  test(`parseSignal() of ${text} is ${name}`, () => {
    assert.equal(parseSignal(text, '-s'), name);
    assert.equal(signalNumber(name), number);
  });
}

for (const text of ['', 'NOPE', '0', '65', '-1']) {
  test(`parseSignal() refuses ${JSON.stringify(text)}`, () => {
    assert.throws(() => parseSignal(text, '-s'), UsageError);
  });
}
