import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { pickNames } from './pick-names.ts';

const names = ['n1', 'n2', 'n3', 'n10'];

test('pickNames() gives so many, in natural order, and all where there are no more', () => {
  fc.assert(
    fc.property(
      fc.nat(6),
      fc.infiniteStream(fc.double({ min: 0, max: 0.999_999, noNaN: true })),
      (count, numbers) => {
        const picked = pickNames(names, count, () => numbers.next().value ?? 0);
        assert.equal(picked.length, Math.min(count, names.length));
        assert.equal(new Set(picked).size, picked.length);
        assert.deepEqual(
          picked,
          names.filter((name) => picked.includes(name)),
        );
      },
    ),
  );
});

test('pickNames() picks every pair equally often', () => {
  const seen = new Map<string, number>();
  // Every pair of numbers in the middle of equally likely intervals, instead of chance.
  for (let i = 0; i < 4; i += 1) {
    for (let j = 0; j < 3; j += 1) {
      const numbers = [(i + 0.5) / 4, (j + 0.5) / 3];
      const pair = pickNames(names, 2, () => numbers.shift() ?? 0).join();
      seen.set(pair, (seen.get(pair) ?? 0) + 1);
    }
  }
  assert.deepEqual([...seen.values()], [2, 2, 2, 2, 2, 2]);
});

test('pickNames() leaves the names as they are', () => {
  const given = [...names];
  pickNames(given, 2, () => 0.9);
  assert.deepEqual(given, names);
});
