import assert from 'node:assert/strict';
import { test } from 'node:test';
import { FrameNumbers } from './frame-numbers.ts';
import { FrameError } from './grpc-frames.ts';

test('FrameNumbers.take() takes frames in their order', () => {
  const numbers = new FrameNumbers();
  for (const number of [1n, 2n, 3n]) numbers.take(number);
});

test('FrameNumbers.take() takes frames that nobody has numbered', () => {
  const numbers = new FrameNumbers();
  for (const number of [0n, 0n, 0n]) numbers.take(number);
});

for (const [what, came] of Object.entries({
  'a missing one': [1n, 3n],
  'one that came twice': [1n, 2n, 2n],
  'one that was overtaken': [2n, 1n],
  'one without a number among others': [1n, 0n],
})) {
  test(`FrameNumbers.take() refuses ${what}`, () => {
    const numbers = new FrameNumbers();
    assert.throws(() => {
      for (const number of came) numbers.take(number);
    }, FrameError);
  });
}
