import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseSize } from './parse-size.ts';

for (const [text, bytes] of [
  ['0', 0n],
  ['4096', 4096n],
  ['64k', 65_536n],
  ['512M', 536_870_912n],
  ['2g', 2_147_483_648n],
  ['1t', 1_099_511_627_776n],
  ['9223372036854775807', 2n ** 63n - 1n],
  ['9223372036854775808', undefined],
  ['9999999t', undefined],
  ['', undefined],
  ['m', undefined],
  ['1.5g', undefined],
  ['512q', undefined],
  ['512mb', undefined],
  ['-1', undefined],
  [' 1', undefined],
] as const) {
  test(`parseSize() of ${JSON.stringify(text)} is ${bytes}`, () => assert.equal(parseSize(text), bytes));
}
