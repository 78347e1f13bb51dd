import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { addToRest, noRest, restKey } from './rest.ts';

function keyOf(lines: readonly string[]): string {
  return restKey(lines.reduce(addToRest, noRest));
}

test('restKey() is equal for equal lines, and for no others that a test can find', () => {
  const lines = fc.array(fc.string({ unit: 'binary', maxLength: 4 }), { maxLength: 4 });
  fc.assert(
    fc.property(lines, lines, (a, b) => {
      assert.equal(keyOf(a) === keyOf(b), JSON.stringify(a) === JSON.stringify(b));
    }),
    { numRuns: 5_000 },
  );
  const many = Array.from({ length: 100_000 }, (_, i) => keyOf([`line ${i}`, 'end']));
  assert.equal(new Set(many).size, many.length);
});

test('addToRest() counts', () => {
  const { lines, characters } = ['ab', '', 'c'].reduce(addToRest, noRest);
  assert.deepEqual([lines, characters], [3, 3]);
});
