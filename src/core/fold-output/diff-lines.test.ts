import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { type DiffHunk, diffLines } from './diff-lines.ts';

function show(from: string, to: string): string[] | undefined {
  const hunks = diffLines(from.split('|'), to.split('|'));
  return hunks?.map(
    ({ oldStart, oldLines, newStart, newLines, lines }) =>
      `-${oldStart},${oldLines} +${newStart},${newLines} ${lines.join('|')}`,
  );
}

const cases: [from: string, to: string, hunks: string[]][] = [
  ['a|b|c', 'a|b|c', []],
  ['a|b|c', 'a|x|c', ['-1,3 +1,3  a|-b|+x| c']],
  ['a', 'a|b', ['-1,1 +1,2  a|+b']],
  ['1|2|3|4|5|6|7|8|9', '1|2|3|4|5|6|7|8|x', ['-6,4 +6,4  6| 7| 8|-9|+x']],
  ['a|1|2|3|4|5|6|7|b', 'x|1|2|3|4|5|6|7|y', ['-1,4 +1,4 -a|+x| 1| 2| 3', '-6,4 +6,4  5| 6| 7|-b|+y']],
  ['', 'a', ['-1,1 +1,1 -|+a']],
];

for (const [from, to, hunks] of cases) {
  test(`diffLines() from ${from} to ${to}`, () => assert.deepEqual(show(from, to), hunks));
}

test('diffLines() of nothing and something', () => {
  assert.deepEqual(diffLines([], []), []);
  const [hunk] = diffLines([], ['a']) ?? [];
  assert.deepEqual(hunk?.lines, ['+a']);
  assert.deepEqual(diffLines(['a'], [])?.[0]?.lines, ['-a']);
});

/** Carries hunks out, as patch(1) would. */
function apply(from: readonly string[], hunks: readonly DiffHunk[]): string[] {
  const result: string[] = [];
  let at = 0;
  for (const { oldStart, oldLines, lines } of hunks) {
    const start = oldLines === 0 ? oldStart : oldStart - 1;
    result.push(
      ...from.slice(at, start),
      ...lines.filter((line) => !line.startsWith('-')).map((line) => line.slice(1)),
    );
    assert.deepEqual(
      lines.filter((line) => !line.startsWith('+')).map((line) => line.slice(1)),
      from.slice(start, start + oldLines),
    );
    at = start + oldLines;
  }
  return [...result, ...from.slice(at)];
}

test('diffLines() gives hunks that make the second output of the first, whatever they are', () => {
  const text = fc.array(fc.constantFrom('', 'a', 'b', '-c', '+d', 'é '), { maxLength: 12 });
  fc.assert(
    fc.property(text, text, (from, to) => {
      const hunks = diffLines(from, to) ?? [];
      assert.deepEqual(apply(from, hunks), to);
      assert.equal(hunks.length === 0, JSON.stringify(from) === JSON.stringify(to));
    }),
    { numRuns: 2_000 },
  );
});

test('diffLines() gives up where nobody would read it, soon', () => {
  const numbers = (start: number, count: number) =>
    Array.from({ length: count }, (_, i) => `line ${start + i}`);
  assert.equal(diffLines(numbers(0, 501), numbers(1_000, 500)), undefined);
  assert.equal(diffLines(numbers(0, 500), numbers(1_000, 500))?.length, 1);
  assert.equal(
    diffLines(numbers(0, 5_000), numbers(0, 5_000).reverse()),
    undefined,
    'the same lines in another order',
  );
});
