import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { startCursor } from '#core/expression/text-cursor.ts';
import { foldNumbers } from './fold-numbers.ts';
import { writeNumbers } from './number-range.ts';
import { parseNumberRanges } from './parse-number-ranges.ts';

const cases: [numbers: string, folded: string][] = [
  ['7', '7'],
  ['1 2', '1-2'],
  ['7 3 1 2', '1-3,7'],
  ['1 3 5', '1,3,5'],
  ['08 09 10 11', '08-11'],
  ['98 99 100', '98-100'],
  ['098 099 100', '098-100'],
  ['1 01 001', '1,01,001'],
  ['0 00', '0,00'],
  ['0 1 2', '0-2'],
  ['00 01 02', '00-02'],
  ['9 09 10', '9-10,09'],
  ['1 2 3 4 5 6 7 8 9 09 10 11', '1-11,09'],
  ['9 08 09 10 11', '08-11,9'],
  ['999999999999999', '999999999999999'],
];

for (const [numbers, folded] of cases) {
  test(`foldNumbers() of ${numbers} is ${folded}`, () =>
    assert.equal(foldNumbers(numbers.split(' ')), folded));
}

test('foldNumbers() is exact, and depends on the set only', () => {
  const number = fc
    .tuple(fc.constantFrom('', '0', '00'), fc.nat(120))
    .map(([zeros, value]) => `${zeros}${value}`);
  fc.assert(
    fc.property(fc.uniqueArray(number, { minLength: 1, maxLength: 150 }), (numbers) => {
      const folded = foldNumbers(numbers);
      const written = [...writeNumbers(parseNumberRanges(startCursor('node set', `${folded}]`)))];
      assert.deepEqual(written.toSorted(), numbers.toSorted());
      assert.equal(foldNumbers(numbers.toReversed()), folded);
    }),
    { numRuns: 1000 },
  );
});
