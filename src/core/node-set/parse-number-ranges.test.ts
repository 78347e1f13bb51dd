import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ExpressionError } from '#core/expression/expression-error.ts';
import { startCursor } from '#core/expression/text-cursor.ts';
import { writeNumbers } from './number-range.ts';
import { parseNumberRanges } from './parse-number-ranges.ts';

const accepted: [text: string, numbers: string][] = [
  ['1-3,7]', '1 2 3 7'],
  ['08-11]', '08 09 10 11'],
  ['008-11]', '008 009 010 011'],
  ['01-03]', '01 02 03'],
  ['98-101]', '98 99 100 101'],
  ['00]', '00'],
  ['0]', '0'],
  ['1,01,001]', '1 01 001'],
  ['0-6/2]', '0 2 4 6'],
  ['01-9/4]', '01 05 09'],
  ['5-5]', '5'],
  ['3,1,2]', '3 1 2'],
  [' 1-2 ,\t4 ]', '1 2 4'],
  ['999999999999998-999999999999999]', '999999999999998 999999999999999'],
];

for (const [text, numbers] of accepted) {
  test(`parseNumberRanges() reads [${text}`, () => {
    const cursor = startCursor('node set', text);
    assert.equal([...writeNumbers(parseNumberRanges(cursor))].join(' '), numbers);
    assert.equal(cursor.position, text.length);
  });
}

const refused: [text: string, position: number, problem: RegExp][] = [
  ['', 0, /ends inside brackets/],
  ['1', 1, /ends inside brackets/],
  ['1-', 2, /ends inside brackets/],
  ['1,', 2, /ends inside brackets/],
  ['1-2/', 4, /ends inside brackets/],
  [']', 0, /has "\]" where a number is expected/],
  ['1,]', 2, /has "\]" where a number is expected/],
  [',1]', 0, /has "," where a number is expected/],
  ['1-]', 2, /has "\]" where a number is expected/],
  ['a]', 0, /has "a" inside brackets/],
  ['1 2]', 2, /has "2" inside brackets/],
  ['1 -2]', 2, /has "-" inside brackets/],
  ['-1]', 0, /has "-" inside brackets/],
  ['1-2-3]', 3, /has "-" inside brackets/],
  ['5/2]', 1, /has "\/" inside brackets/],
  ['1,9-3]', 2, /runs backwards/],
  ['1-3/0]', 0, /step of 0/],
  ['8-011]', 0, /padded differently/],
  ['08-011]', 0, /padded differently/],
  ['0-00]', 0, /padded differently/],
];

for (const [text, position, problem] of refused) {
  test(`parseNumberRanges() refuses [${text}`, () => {
    assert.throws(
      () => parseNumberRanges(startCursor('node set', text)),
      (error) =>
        error instanceof ExpressionError &&
        error.kind === 'syntax' &&
        error.position === position &&
        problem.test(error.message),
    );
  });
}

test('parseNumberRanges() refuses numbers that a double cannot hold exactly', () => {
  assert.throws(() => parseNumberRanges(startCursor('node set', '1-1000000000000000]')), {
    kind: 'limit',
    position: 2,
  });
});
