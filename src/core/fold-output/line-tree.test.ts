import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { emptyText, LineTree, type Place } from './line-tree.ts';

const ample = { linesMax: 1_000, charactersMax: 100_000 };

function appendAll(tree: LineTree, lines: readonly string[]): Place | undefined {
  let place: Place | undefined = emptyText;
  for (const line of lines) place = place === undefined ? undefined : tree.append(place, line);
  return place;
}

const texts = fc.array(fc.array(fc.constantFrom('', 'a', 'b', 'a b', 'é\t'), { maxLength: 6 }), {
  maxLength: 12,
});

test('LineTree gives equal texts one place, others another, and gives them back', () => {
  fc.assert(
    fc.property(texts, (all) => {
      const tree = new LineTree(ample);
      const places = all.map((lines) => appendAll(tree, lines));
      for (const [i, lines] of all.entries()) {
        const place = places[i];
        assert.ok(place !== undefined);
        assert.deepEqual(tree.linesAt(place), lines);
        for (const [j, others] of all.entries()) {
          assert.equal(place === places[j], JSON.stringify(lines) === JSON.stringify(others));
        }
      }
    }),
  );
});

test('LineTree holds its limits, and what it has stays', () => {
  const tree = new LineTree({ linesMax: 3, charactersMax: 5 });
  const ab = appendAll(tree, ['a', 'b']);
  assert.ok(ab !== undefined);
  assert.equal(appendAll(tree, ['long']), undefined, 'five characters in all');
  assert.ok(appendAll(tree, ['b']) !== undefined);
  assert.equal(appendAll(tree, ['b', 'a']), undefined, 'three lines in all');
  assert.equal(appendAll(tree, ['a', 'b']), ab);
  assert.deepEqual(tree.linesAt(ab), ['a', 'b']);
});
