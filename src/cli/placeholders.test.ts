import assert from 'node:assert/strict';
import { test } from 'node:test';
import { wordChoices, wordPlaceholders } from './placeholders.ts';

for (const [usage, expected] of [
  ['[options]', []],
  ['[options] [SET]', ['SET']],
  ['[options] REF…', ['REF']],
  ['-w SET [options] [--] ARGV…', ['ARGV']],
  ['[options] NODE [--] ARGV…', ['NODE', 'ARGV']],
  ['[COMMAND | exit-codes]', ['COMMAND']],
  ['--batch-sleep DURATION [-l KEY=VALUE] ID', ['ID']],
] as const) {
  test(`wordPlaceholders() of "${usage}"`, () => assert.deepEqual(wordPlaceholders({ usage }), expected));
}

for (const [usage, expected] of [
  ['bash|zsh|fish', ['bash', 'zsh', 'fish']],
  ['-e|-f|-c [options] [SET…]', []],
  ['[COMMAND | exit-codes]', []],
] as const) {
  test(`wordChoices() of "${usage}"`, () => assert.deepEqual(wordChoices({ usage }), expected));
}
