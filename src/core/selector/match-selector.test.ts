import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { matchSelector } from './match-selector.ts';
import { parseSelector } from './parse-selector.ts';

const nodes: Record<string, Record<string, string>> = {
  web1: { role: 'web', zone: 'a' },
  web2: { role: 'web', zone: 'b', spot: '' },
  db1: { role: 'db', zone: 'a' },
  bare: {},
};

const cases: [text: string, matched: string][] = [
  ['role', 'web1 web2 db1'],
  ['!role', 'bare'],
  ['role=web', 'web1 web2'],
  ['role==web', 'web1 web2'],
  ['role!=web', 'db1 bare'],
  ['role=WEB', ''],
  ['zone in (a,c)', 'web1 db1'],
  ['zone notin (a,c)', 'web2 bare'],
  ['spot=', 'web2'],
  ['spot!=', 'web1 db1 bare'],
  ['spot in (,x)', 'web2'],
  ['role=web,zone=a', 'web1'],
  ['role=web,role=db', ''],
  ['role,!spot', 'web1 db1'],
  ['constructor', ''],
  ['toString!=x', 'web1 web2 db1 bare'],
];

for (const [text, matched] of cases) {
  test(`matchSelector() of ${text}`, () => {
    const selector = parseSelector(text);
    const names = Object.keys(nodes).filter((name) => matchSelector(selector, nodes[name] ?? {}));
    assert.equal(names.join(' '), matched);
  });
}

/** What each way to write a requirement means, told from the documentation and not from the code. */
const oracle: readonly [
  write: (key: string, values: string[]) => string,
  means: (has: string[], values: string[]) => boolean,
][] = [
  [(key) => key, (has) => has.length === 1],
  [(key) => `!${key}`, (has) => has.length === 0],
  [(key, [value]) => `${key}=${value}`, (has, [value]) => has.length === 1 && has[0] === value],
  [(key, [value]) => `${key}!=${value}`, (has, [value]) => has.length === 0 || has[0] !== value],
  [
    (key, values) => `${key} in (${values},${values[0]})`,
    (has, values) => has.some((one) => values.includes(one)),
  ],
  [
    (key, values) => `${key} notin (${values},${values[0]})`,
    (has, values) => !has.some((one) => values.includes(one)),
  ],
];

test('matchSelector() agrees with the documentation of Kubernetes, for any requirements and labels', () => {
  const keys = fc.constantFrom('a', 'b', 'c');
  const values = fc.constantFrom('', 'x', 'y');
  const requirement = fc.tuple(
    fc.nat(oracle.length - 1),
    keys,
    fc.array(values, { minLength: 1, maxLength: 3 }),
  );
  fc.assert(
    fc.property(
      fc.array(requirement, { minLength: 1, maxLength: 4 }),
      fc.dictionary(keys, values),
      (requirements, labels) => {
        const text = requirements.map(([i, key, of]) => oracle[i]?.[0](key, of)).join(', ');
        const expected = requirements.every(([i, key, of]) =>
          oracle[i]?.[1](
            Object.entries(labels).flatMap(([k, v]) => (k === key ? [v] : [])),
            of,
          ),
        );
        assert.equal(matchSelector(parseSelector(text), labels), expected, text);
      },
    ),
    { numRuns: 3000 },
  );
});
