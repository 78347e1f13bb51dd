import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { compareNames } from './compare-names.ts';

const ordered: string[][] = [
  ['node2', 'node10'],
  ['node', 'node0', 'node1', 'node01', 'node001', 'node2'],
  ['dc1n2', 'dc1n10', 'dc2n1'],
  ['a-1', 'a.1', 'a1', 'aa'],
  ['9', '10', 'a'],
  ['n99999999999999999998', 'n99999999999999999999', 'n100000000000000000000'],
  ['n1x2', 'n01x2', 'n1x3'],
  ['n01x1', 'n1x01'],
  ['B', 'a', 'b'],
  ['', 'a'],
];

for (const names of ordered) {
  test(`compareNames() orders ${names.join(' ')}`, () => {
    assert.deepEqual([...names].reverse().sort(compareNames), names);
  });
}

const names = fc.string({ unit: fc.constantFrom(...'aB-.0129'), maxLength: 8 });

test('compareNames() is a total order: 0 only for equal names, antisymmetric, transitive', () => {
  fc.assert(
    fc.property(names, names, names, (a, b, c) => {
      assert.equal(compareNames(a, b) === 0, a === b);
      assert.equal(Math.sign(compareNames(a, b)), 0 - Math.sign(compareNames(b, a)));
      const [first = '', second = '', third = ''] = [a, b, c].sort(compareNames);
      assert.ok(compareNames(first, second) <= 0 && compareNames(second, third) <= 0);
      assert.ok(compareNames(first, third) <= 0);
    }),
    { numRuns: 5000 },
  );
});
