import assert from 'node:assert/strict';
import { test } from 'node:test';
import { startCursor } from '#core/expression/text-cursor.ts';
import { parseTerm } from './parse-term.ts';
import { writeNames } from './write-names.ts';

function namesOf(text: string): string {
  const term = parseTerm(startCursor('node set', text));
  assert.ok(term.kind === 'names' || term.kind === 'glob');
  return writeNames(term.segments).join(' ');
}

const cases: [text: string, names: string][] = [
  ['web1', 'web1'],
  ['web[1-3].example', 'web1.example web2.example web3.example'],
  ['dc[1-2]n[08-09]', 'dc1n08 dc1n09 dc2n08 dc2n09'],
  ['[1-2][0,5]', '10 15 20 25'],
  ['n[1-3,2-4]', 'n1 n2 n3 n4'],
  ['[1,11][1,11]', '11 111 111 1111'],
];

for (const [text, names] of cases) {
  test(`writeNames() writes out ${text}`, () => assert.equal(namesOf(text), names));
}

test('writeNames() takes a glob for a bug', () => {
  assert.throws(() => namesOf('a*'), TypeError);
});
