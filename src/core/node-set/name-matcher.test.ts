import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { startCursor } from '#core/expression/text-cursor.ts';
import { createNameMatcher } from './name-matcher.ts';
import type { NameSegment } from './node-set-expression.ts';
import { parseTerm } from './parse-term.ts';

function matches(pattern: string, name: string): boolean {
  return createNameMatcher(segmentsOf(pattern))(name);
}

function segmentsOf(pattern: string): readonly NameSegment[] {
  const term = parseTerm(startCursor('node set', pattern));
  assert.ok(term.kind === 'names' || term.kind === 'glob');
  return term.segments;
}

const cases: [pattern: string, yes: string[], no: string[]][] = [
  ['web1', ['web1'], ['web', 'web11', 'xweb1', 'WEB1', '']],
  ['web*', ['web', 'web1', 'web-x.y'], ['we', 'aweb']],
  ['*', ['', 'a'], []],
  ['*b', ['b', 'ab', 'bb'], ['a', 'ba']],
  ['a*b*c', ['abc', 'aXbYc', 'abbcc'], ['ac', 'acb', 'abcd']],
  ['web?', ['web1', 'webx'], ['web', 'web12']],
  ['?*', ['a', 'ab'], ['']],
  ['n[1-10]', ['n1', 'n10'], ['n0', 'n11', 'n01', 'n']],
  ['n[08-11]', ['n08', 'n11'], ['n8', 'n011']],
  ['n[1,11][1,11]', ['n11', 'n111', 'n1111'], ['n1', 'n11111']],
  ['n[1-2]*', ['n1', 'n2', 'n12', 'n2.x'], ['n3', 'n']],
  ['n1[0-9]', ['n10', 'n19'], ['n1', 'n20']],
];

for (const [pattern, yes, no] of cases) {
  test(`createNameMatcher() of ${pattern}`, () => {
    assert.deepEqual(
      yes.filter((name) => !matches(pattern, name)),
      [],
    );
    assert.deepEqual(
      no.filter((name) => matches(pattern, name)),
      [],
    );
  });
}

test('createNameMatcher() agrees with a regular expression', () => {
  const patterns = fc.string({
    unit: fc.constantFrom('a', 'b', '*', '?', '1', '[1-12]'),
    minLength: 1,
    maxLength: 6,
  });
  const names = fc.string({ unit: fc.constantFrom('a', 'b', '1', '2'), maxLength: 8 });
  fc.assert(
    fc.property(patterns, names, (pattern, name) => {
      const source = pattern
        .replaceAll('?', '.')
        .replaceAll('*', '.*')
        .replaceAll('[1-12]', '([1-9]|1[0-2])');
      assert.equal(matches(pattern, name), new RegExp(`^${source}$`).test(name));
    }),
    { numRuns: 1000 },
  );
});

test('createNameMatcher() does not backtrack: many stars over a long name end', () => {
  assert.equal(matches(`${'*a'.repeat(100)}b`, 'a'.repeat(253)), false);
});
