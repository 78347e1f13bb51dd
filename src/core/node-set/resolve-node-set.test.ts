import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { compareNames } from './compare-names.ts';
import { parseNodeSet } from './parse-node-set.ts';
import { type NodeSetMember, resolveNodeSet } from './resolve-node-set.ts';

const universe: NodeSetMember[] = [
  { name: 'web10', labels: { role: 'web', zone: 'b' } },
  { name: 'web2', labels: { role: 'web', zone: 'a' } },
  { name: 'web1', labels: { role: 'web', zone: 'a', spot: '' } },
  { name: 'db1', labels: { role: 'db' } },
];

function resolve(text: string): string {
  const { names, unknown } = resolveNodeSet(parseNodeSet(text), universe);
  return `${names.join(' ')} | ${unknown.join(' ')}`;
}

const cases: [text: string, resolved: string][] = [
  ['web1', 'web1 | '],
  ['web[1-3,11,10]', 'web1 web2 web10 | web3 web11'],
  ['nope', ' | nope'],
  ['WEB1', ' | WEB1'],
  ['web1,web1', 'web1 | '],
  ['@all', 'db1 web1 web2 web10 | '],
  ['web*', 'web1 web2 web10 | '],
  ['web?', 'web1 web2 | '],
  ['x*', ' | '],
  ['*[1-2]', 'db1 web1 web2 | '],
  ['@role=web', 'web1 web2 web10 | '],
  ['@role', 'db1 web1 web2 web10 | '],
  ['@spot', 'web1 | '],
  ['@zone=c', ' | '],
  ['@constructor', ' | '],
  ['@all!web*', 'db1 | '],
  ['@role=web&@zone=a', 'web1 web2 | '],
  ['@role=web^@zone=a', 'web10 | '],
  // A name that is taken away is not asked for, so it is not missed.
  ['web[1-4]!web4', 'web1 web2 | web3'],
  ['web[1-2]!web3', 'web1 web2 | '],
  ['web[1-3]!web*', ' | web3'],
  ['web[1-3]&web*', 'web1 web2 | '],
  ['web[1-3]&web[2-4]', 'web2 | web3'],
  ['web[1-3]^web[3-4]', 'web1 web2 | web4'],
  ['x1,@all', 'db1 web1 web2 web10 | x1'],
];

for (const [text, resolved] of cases) {
  test(`resolveNodeSet() of ${text}`, () => assert.equal(resolve(text), resolved));
}

test('resolveNodeSet() reads its universe once, and a node given twice counts once', () => {
  const nodes = [...universe, ...universe].values();
  assert.deepEqual(resolveNodeSet(parseNodeSet('web1,web*,x'), nodes), {
    names: ['web1', 'web2', 'web10'],
    unknown: ['x'],
  });
});

test('resolveNodeSet() gives sorted, unique, disjoint names: existing ones, and spelled ones that do not exist', () => {
  const terms = fc.constantFrom('web[1-5]', 'web*', '@all', '@zone=a', 'db1', 'db[1-3]', '*1', 'nope');
  const operators = fc.constantFrom(',', '!', '&', '^');
  const texts = fc
    .tuple(terms, fc.array(fc.tuple(operators, terms), { maxLength: 6 }))
    .map(([first, others]) => first + others.map((other) => other.join('')).join(''));
  const existing = new Set(universe.map((node) => node.name));
  fc.assert(
    fc.property(texts, (text) => {
      const { names, unknown } = resolveNodeSet(parseNodeSet(text), universe);
      assert.ok(names.every((name) => existing.has(name)));
      assert.ok(unknown.every((name) => !existing.has(name)));
      assert.deepEqual(names, [...new Set(names)].sort(compareNames));
      assert.deepEqual(unknown, [...new Set(unknown)].sort(compareNames));
    }),
  );
});
