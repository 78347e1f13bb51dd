import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { joinName, splitName } from './split-name.ts';

const cases: [name: string, texts: string[], numbers: string[]][] = [
  ['web', ['web'], []],
  ['web01', ['web', ''], ['01']],
  ['dc1n12.x', ['dc', 'n', '.x'], ['1', '12']],
  ['7', ['', ''], ['7']],
  ['i1234567890123456x2', ['i1234567890123456x', ''], ['2']],
  [
    '1a2a3a4a5a6a7a8a9',
    ['1a', 'a', 'a', 'a', 'a', 'a', 'a', 'a', ''],
    ['2', '3', '4', '5', '6', '7', '8', '9'],
  ],
];

for (const [name, texts, numbers] of cases) {
  test(`splitName() of ${name}`, () => assert.deepEqual(splitName(name), { texts, numbers }));
}

test('joinName() is the reverse of splitName()', () => {
  fc.assert(
    fc.property(fc.string({ unit: fc.constantFrom(...'ab.019'), maxLength: 60 }), (name) => {
      const { texts, numbers } = splitName(name);
      assert.equal(joinName(texts, numbers), name);
    }),
  );
});
