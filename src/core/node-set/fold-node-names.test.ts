import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { compareNames } from './compare-names.ts';
import { expandNodeSet } from './expand-node-set.ts';
import { foldNodeNames } from './fold-node-names.ts';
import { parseNodeSet } from './parse-node-set.ts';

const cases: [names: string, folded: string][] = [
  ['', ''],
  ['web1', 'web1'],
  ['web1 node7 node3 node1 node2 node1', 'node[1-3,7],web1'],
  ['n9 n10 n11', 'n[9-11]'],
  ['n08 n09 n10', 'n[08-10]'],
  ['n1 n2 n01 n02', 'n[1-2,01-02]'],
  ['web1.example web2.example', 'web[1-2].example'],
  ['1 2 3', '[1-3]'],
  ['a b', 'a,b'],
  ['dc1n1 dc1n2 dc2n1 dc2n2', 'dc[1-2]n[1-2]'],
  ['dc1n1 dc1n2 dc2n1', 'dc1n[1-2],dc2n1'],
  ['dc1n1 dc2n1', 'dc[1-2]n1'],
  ['a1b1 a1b2 a2b3', 'a1b[1-2],a2b3'],
  ['a1b1 a1b2 a2b2 a3b1 a3b2', 'a[1,3]b[1-2],a2b2'],
  ['r1c1n1 r1c1n2 r1c2n1 r1c2n2 r2c1n1 r2c1n2 r2c2n1 r2c2n2', 'r[1-2]c[1-2]n[1-2]'],
  ['10.0.0.1 10.0.0.2 10.0.1.1 10.0.1.2', '10.0.[0-1].[1-2]'],
  ['n1234567890123456', 'n1234567890123456'],
  ['n2 n10 m1', 'm1,n[2,10]'],
];

for (const [names, folded] of cases) {
  test(`foldNodeNames() of ${JSON.stringify(names)} is ${JSON.stringify(folded)}`, () => {
    assert.equal(foldNodeNames(names === '' ? [] : names.split(' ')), folded);
  });
}

const digits = fc
  .tuple(fc.constantFrom('', '', '0', '00'), fc.nat(12))
  .map(([zeros, value]) => `${zeros}${value}`);
const patterned = fc
  .array(fc.tuple(fc.constantFrom('n', 'dc', '-', '.x'), digits), { maxLength: 3 })
  .map((parts) => `h${parts.flat().join('')}`);
const anyName = fc.stringMatching(/^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$/);
const nameSets = fc.oneof(
  fc.array(patterned, { maxLength: 60 }),
  fc.array(anyName, { maxLength: 20 }),
  fc.array(fc.oneof(patterned, anyName), { maxLength: 40 }),
);

test('foldNodeNames() is the exact reverse of expandNodeSet(), for any names', () => {
  fc.assert(
    fc.property(nameSets, (names) => {
      const unique = [...new Set(names)].sort(compareNames);
      const folded = foldNodeNames(names);
      const again = folded === '' ? [] : expandNodeSet(parseNodeSet(folded));
      assert.deepEqual(again, unique);
      assert.equal(foldNodeNames(again), folded);
    }),
    { numRuns: 2000 },
  );
});

test('foldNodeNames() depends on the set only, not on order or repetition', () => {
  const shuffled = nameSets.chain((names) =>
    fc.tuple(fc.constant(names), fc.shuffledSubarray([...names, ...names], { minLength: names.length * 2 })),
  );
  fc.assert(
    fc.property(shuffled, ([names, others]) => assert.equal(foldNodeNames(others), foldNodeNames(names))),
  );
});

test('foldNodeNames() folds a whole product of ranges into one name', () => {
  const texts = [
    'node[1-100000]',
    'node[000001-100000]',
    'dc[1-10]r[01-10]n[1-10].x[1-10]',
    'n[0-9]m[00-09].example',
  ];
  for (const text of texts) {
    assert.equal(foldNodeNames(expandNodeSet(parseNodeSet(text))), text);
  }
});
