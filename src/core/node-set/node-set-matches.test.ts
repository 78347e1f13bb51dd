import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { expandNodeSet } from './expand-node-set.ts';
import { nodeSetMatches } from './node-set-matches.ts';
import { parseNodeSet } from './parse-node-set.ts';

const cases: [text: string, yes: string[], no: string[]][] = [
  ['web1', ['web1'], ['web', 'web11', 'WEB1']],
  ['web[1-3],db*', ['web3', 'db', 'db-9'], ['web4', 'xdb']],
  ['@all!web*', ['db1', 'x'], ['web', 'web1']],
  ['web*&*.example', ['web1.example'], ['web1', 'db.example']],
  ['a*^*b', ['a', 'b', 'ax'], ['ab', 'x']],
  ['a*!ab*,abc', ['a', 'abc'], ['ab', 'abd']],
];

for (const [text, yes, no] of cases) {
  test(`nodeSetMatches() of ${text}`, () => {
    const expression = parseNodeSet(text);
    assert.deepEqual(
      [...yes, ...no].filter((name) => nodeSetMatches(expression, name)),
      yes,
    );
  });
}

test('nodeSetMatches() refuses a label with any name, also where it would decide nothing', () => {
  assert.throws(() => nodeSetMatches(parseNodeSet('a,@role=web'), 'a'), { kind: 'needs-nodes', position: 2 });
});

test('nodeSetMatches() agrees with expandNodeSet()', () => {
  const terms = fc.constantFrom('n[1-5]', 'n[04-12]', 'n3', 'n[1,11][1,2]', 'n[0-12/3]');
  const texts = fc
    .array(fc.tuple(fc.constantFrom(',', '!', '&', '^'), terms), { maxLength: 5 })
    .map((others) => `n[2-9]${others.map((other) => other.join('')).join('')}`);
  const names = fc.tuple(fc.constantFrom('n', 'n0', 'x'), fc.nat(120)).map((parts) => parts.join(''));
  fc.assert(
    fc.property(texts, names, (text, name) => {
      const expression = parseNodeSet(text);
      assert.equal(nodeSetMatches(expression, name), expandNodeSet(expression).includes(name));
    }),
    { numRuns: 500 },
  );
});
