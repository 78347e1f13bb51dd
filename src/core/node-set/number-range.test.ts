import assert from 'node:assert/strict';
import { test } from 'node:test';
import { countNumbers, formatNumber, isPadded, longestNumber, writeNumbers } from './number-range.ts';

const cases = [
  { range: { first: 7, last: 7, step: 1, width: 0 }, written: ['7'] },
  { range: { first: 8, last: 11, step: 1, width: 2 }, written: ['08', '09', '10', '11'] },
  { range: { first: 98, last: 101, step: 1, width: 2 }, written: ['98', '99', '100', '101'] },
  { range: { first: 0, last: 6, step: 2, width: 0 }, written: ['0', '2', '4', '6'] },
  { range: { first: 1, last: 6, step: 4, width: 0 }, written: ['1', '5'] },
];

for (const { range, written } of cases) {
  const { first, last, step } = range;
  test(`writeNumbers() writes ${first}-${last}/${step} as ${written.join(' ')}`, () => {
    assert.deepEqual([...writeNumbers([range])], written);
    assert.equal(countNumbers([range]), written.length);
  });
}

test('writeNumbers() gives a number of two ranges once, and countNumbers() counts it twice', () => {
  const ranges = [
    { first: 1, last: 3, step: 1, width: 0 },
    { first: 2, last: 4, step: 1, width: 0 },
  ];
  assert.deepEqual([...writeNumbers(ranges)], ['1', '2', '3', '4']);
  assert.equal(countNumbers(ranges), 6);
});

test('countNumbers() of a range far over every limit does not write it out', () => {
  assert.equal(countNumbers([{ first: 0, last: 999_999_999_999_999, step: 1, width: 0 }]), 1e15);
});

test('longestNumber() is the digits of the longest, padding included', () => {
  assert.equal(longestNumber([{ first: 1, last: 12, step: 1, width: 0 }]), 2);
  assert.equal(longestNumber([{ first: 1, last: 12, step: 1, width: 5 }]), 5);
});

test('isPadded() holds for zeros in front, not for a single 0', () => {
  assert.deepEqual(['0', '00', '01', '10', '1'].map(isPadded), [false, true, true, false, false]);
});

test('formatNumber() pads to the width and never cuts', () => {
  assert.deepEqual([formatNumber(7, 3), formatNumber(1234, 3), formatNumber(0, 0)], ['007', '1234', '0']);
});
