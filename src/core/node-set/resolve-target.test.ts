import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { parseSelector } from '#core/selector/parse-selector.ts';
import { compareNames } from './compare-names.ts';
import type { NodeSetExpression } from './node-set-expression.ts';
import { parseNodeSet } from './parse-node-set.ts';
import { needsNodes, resolveTarget, type Target } from './resolve-target.ts';
import type { NodeSetMember } from './select-node-names.ts';

const universe: NodeSetMember[] = [
  { name: 'web10', labels: { role: 'web', zone: 'b' } },
  { name: 'web2', labels: { role: 'web', zone: 'a' } },
  { name: 'web1', labels: { role: 'web', zone: 'a', spot: '' } },
  { name: 'db1', labels: { role: 'db' } },
];

function sets(...texts: string[]): NodeSetExpression[] {
  return texts.map(parseNodeSet);
}

function resolve(text: string): string {
  const { names, unknown } = resolveTarget({ sets: [parseNodeSet(text)] }, universe);
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
  test(`resolveTarget() of ${text}`, () => assert.equal(resolve(text), resolved));
}

test('resolveTarget() takes a node given twice once', () => {
  const { names, unknown } = resolveTarget({ sets: [parseNodeSet('web1,web*,x')] }, [
    ...universe,
    ...universe,
  ]);
  assert.deepEqual([names, unknown], [['web1', 'web2', 'web10'], ['x']]);
});

const targets: [what: string, target: Target, resolved: string][] = [
  ['no set: every node', { sets: [] }, 'db1 web1 web2 web10 |  | '],
  ['several sets: any of them', { sets: sets('web1', 'db1', 'x'), exclude: [] }, 'db1 web1 | x | '],
  ['a selector narrows', { sets: sets('web*'), selector: parseSelector('zone=a') }, 'web1 web2 |  | '],
  ['a selector alone', { sets: [], selector: parseSelector('!zone') }, 'db1 |  | '],
  ['a selector and an unknown name', { sets: sets('x,db1'), selector: parseSelector('!y') }, 'db1 | x | '],
  ['an exclusion wins', { sets: sets('web[1-3]'), exclude: sets('web2', '@zone=b') }, 'web1 | web3 | '],
  ['an exclusion of no node', { sets: sets('web[1-3]'), exclude: sets('web3,x') }, 'web1 web2 |  | web3 x'],
];

for (const [what, target, resolved] of targets) {
  test(`resolveTarget() of ${what}`, () => {
    const { names, unknown, unknownExcluded } = resolveTarget(target, universe);
    assert.equal([names, unknown, unknownExcluded].map((list) => list.join(' ')).join(' | '), resolved);
  });
}

test('resolveTarget() holds the limit of names over all sets together', () => {
  resolveTarget({ sets: sets('a[1-50000]', 'b[1-50000]', 'a[1-50000]') }, []);
  const over: Target = { sets: sets('a[1-50000]', 'b[1-50000]', 'c') };
  assert.throws(() => resolveTarget(over, []), { kind: 'limit', text: 'c' });
});

for (const [target, needs] of [
  [{ sets: sets('a[1-3]!a2'), exclude: sets('b') }, false],
  [{ sets: [] }, true],
  [{ sets: sets('a'), selector: parseSelector('b') }, true],
  [{ sets: sets('a', 'b*') }, true],
  [{ sets: sets('a,@role') }, true],
  [{ sets: sets('a'), exclude: sets('@all') }, true],
] as const) {
  test(`needsNodes() of ${JSON.stringify(target.sets.map(({ text }) => text))} is ${needs}`, () => {
    assert.equal(needsNodes(target), needs);
  });
}

/** Terms, and for each whether it selects a name that is or is not a node, told without the code under test. */
const terms: Record<string, (name: string, node: NodeSetMember | undefined) => boolean> = {
  web1: (name) => name === 'web1',
  'web[1-5]': (name) => /^web[1-5]$/.test(name),
  'web[0-10/2]': (name) => /^web(0|2|4|6|8|10)$/.test(name),
  'web[01-10]': (name) => /^web(0[1-9]|10)$/.test(name),
  'web[1][0,9]': (name) => /^web1[09]$/.test(name),
  'web*': (name, node) => node !== undefined && name.startsWith('web'),
  '???1': (name, node) => node !== undefined && /^...1$/.test(name),
  '*[1-2]': (name, node) => node !== undefined && /[12]$/.test(name),
  '@all': (_, node) => node !== undefined,
  '@zone': (_, node) => node?.labels['zone'] !== undefined,
  '@zone=a': (_, node) => node?.labels['zone'] === 'a',
};

const operators: Record<string, (left: boolean, right: boolean) => boolean> = {
  ',': (left, right) => left || right,
  '!': (left, right) => left && !right,
  '&': (left, right) => left && right,
  '^': (left, right) => left !== right,
};

test('resolveTarget() agrees with asking each name alone, for any set', () => {
  const term = fc.constantFrom(...Object.keys(terms));
  const texts = fc.tuple(
    term,
    fc.array(fc.tuple(fc.constantFrom(...Object.keys(operators)), term), { maxLength: 6 }),
  );
  const nodes = new Map(universe.map((node) => [node.name, node]));
  const numbers = Array.from({ length: 21 }, (_, i) => i);
  const everyName = [...nodes.keys(), ...numbers.flatMap((i) => [`web${i}`, `web0${i}`])];
  const selects = (one: string, name: string) => terms[one]?.(name, nodes.get(name)) ?? false;
  fc.assert(
    fc.property(texts, ([first, others]) => {
      const expected = [...new Set(everyName)]
        .sort(compareNames)
        .filter((name) =>
          others.reduce(
            (left, [operator, one]) => operators[operator]?.(left, selects(one, name)) ?? false,
            selects(first, name),
          ),
        );
      const text = first + others.map((other) => other.join('')).join('');
      const { names, unknown } = resolveTarget({ sets: [parseNodeSet(text)] }, universe);
      assert.deepEqual(
        names,
        expected.filter((name) => nodes.has(name)),
        text,
      );
      assert.deepEqual(
        unknown,
        expected.filter((name) => !nodes.has(name)),
        text,
      );
    }),
    { numRuns: 1000 },
  );
});
