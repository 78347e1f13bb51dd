import assert from 'node:assert/strict';
import { test } from 'node:test';
import { evaluateNodeSet } from './evaluate-node-set.ts';
import { parseNodeSet } from './parse-node-set.ts';

const meanings: Record<string, string[]> = { a: ['1', '2', '3'], b: ['2', '3', '4'], c: ['3', '3', '5'] };

function evaluate(text: string): string {
  const expression = parseNodeSet(text);
  const selected = evaluateNodeSet(expression, ({ term }) =>
    term.kind === 'names' && term.segments[0]?.kind === 'text' ? (meanings[term.segments[0].text] ?? []) : [],
  );
  return [...selected].sort().join('');
}

const cases: [text: string, selected: string][] = [
  ['a', '123'],
  ['a,b', '1234'],
  ['a!b', '1'],
  ['a&b', '23'],
  ['a^b', '14'],
  ['a^c', '125'],
  ['c^c', ''],
  ['a,b!c', '124'],
  ['a!c,b', '1234'],
  ['a&b,c', '235'],
  ['c,a&b', '23'],
  ['a!a', ''],
  ['a!a,c', '35'],
];

for (const [text, selected] of cases) {
  test(`evaluateNodeSet() of ${text}, strictly from left to right`, () =>
    assert.equal(evaluate(text), selected));
}
