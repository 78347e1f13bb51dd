import assert from 'node:assert/strict';
import { it } from 'node:test';
import fc from 'fast-check';
import { ChainCheck, type ChainContent, type ChainedRow, chainHash, chainStart } from './hash-chain.ts';

function chain(contents: readonly ChainContent[]): ChainedRow[] {
  let previous = chainStart;
  return contents.map((content, i) => {
    const sequence = i + 1;
    const hash = chainHash(previous, { sequence, content });
    previous = hash;
    return { sequence, hash, content };
  });
}

function check(rows: readonly ChainedRow[]): string | undefined {
  const chained = new ChainCheck();
  for (const row of rows) {
    const problem = chained.add(row);
    if (problem !== undefined) return problem;
  }
  return undefined;
}

const five = chain([{ who: 'ada' }, { who: 'eve' }, { who: 'bob' }, { who: 'ada' }, { who: 'eve' }]);

it('ChainCheck finds nothing wrong with a whole chain, also with its tail cut off', () => {
  assert.equal(check(five), undefined);
  assert.equal(check(five.slice(0, 3)), undefined);
});

it('ChainCheck names the first bad row', () => {
  const edited = five.map((row) => (row.sequence === 3 ? { ...row, content: { who: 'ada' } } : row));
  assert.match(check(edited) ?? '', /^row 3 is not what was recorded/);
  assert.equal(check(five.filter(({ sequence }) => sequence !== 2)), 'row 2 is missing');
  assert.equal(check(five.slice(3)), 'rows 1 to 3 are missing');
  assert.equal(check([...five.slice(0, 2), ...five.slice(1)]), 'row 2 comes after row 2');
});

it('ChainCheck notices any change of any row, also where that row was hashed again', () => {
  const anyRow = fc.integer({ min: 0, max: five.length - 1 });
  fc.assert(
    fc.property(anyRow, fc.string(), fc.boolean(), (index, who, rehash) => {
      const before = five[index];
      if (!before || who === before.content['who']) return;
      const previous = five[index - 1]?.hash ?? chainStart;
      const content = { who };
      const hash = rehash ? chainHash(previous, { sequence: before.sequence, content }) : before.hash;
      const problem = check(five.with(index, { ...before, content, hash }));
      // The hash of the last row is held by a checkpoint only.
      if (rehash && index === five.length - 1) assert.equal(problem, undefined);
      else assert.match(problem ?? '', /was changed$/);
    }),
  );
});
