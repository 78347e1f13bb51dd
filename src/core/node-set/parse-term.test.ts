import assert from 'node:assert/strict';
import { test } from 'node:test';
import { startCursor } from '#core/expression/text-cursor.ts';
import type { NodeSetTerm } from './node-set-expression.ts';
import { parseTerm } from './parse-term.ts';

const oneToTwo = { kind: 'numbers', ranges: [{ first: 1, last: 2, step: 1, width: 0 }] } as const;

const accepted: [text: string, term: NodeSetTerm, rest: string][] = [
  ['web1', { kind: 'names', segments: [{ kind: 'text', text: 'web1' }] }, ''],
  ['a.B_c-9,x', { kind: 'names', segments: [{ kind: 'text', text: 'a.B_c-9' }] }, ',x'],
  ['[1-2]', { kind: 'names', segments: [oneToTwo] }, ''],
  ['n[1-2][1-2]', { kind: 'names', segments: [{ kind: 'text', text: 'n' }, oneToTwo, oneToTwo] }, ''],
  [
    'w[1-2].x y',
    { kind: 'names', segments: [{ kind: 'text', text: 'w' }, oneToTwo, { kind: 'text', text: '.x' }] },
    ' y',
  ],
  ['w?', { kind: 'glob', segments: [{ kind: 'text', text: 'w' }, { kind: 'any-one' }] }, ''],
  ['***', { kind: 'glob', segments: [{ kind: 'any' }] }, ''],
  ['[1-2]*', { kind: 'glob', segments: [oneToTwo, { kind: 'any' }] }, ''],
  ['@all', { kind: 'all' }, ''],
  ['@all=1', { kind: 'label', key: 'all', value: '1' }, ''],
  ['@role=web!x', { kind: 'label', key: 'role', value: 'web' }, '!x'],
  ['@example.com/zone', { kind: 'label', key: 'example.com/zone', value: undefined }, ''],
];

for (const [text, term, rest] of accepted) {
  test(`parseTerm() reads ${text}`, () => {
    const cursor = startCursor('node set', text);
    assert.deepEqual(parseTerm(cursor), term);
    assert.equal(text.slice(cursor.position), rest);
  });
}

const refused: [text: string, position: number, problem: RegExp][] = [
  ['', 0, /ends where a node name is expected/],
  ['-web', 0, /has "-" where a node name is expected/],
  ['.web', 0, /has "\." where a node name is expected/],
  ['_web', 0, /has "_" where a node name is expected/],
  [']', 0, /has "\]" where a node name is expected/],
  ['$x', 0, /has "\$" where a node name is expected/],
  ['é', 0, /has U\+00E9 where a node name is expected/],
  ['@', 1, /ends where a label is expected/],
  ['@=web', 1, /has "=" where a label is expected/],
  ['@role=', 6, /ends where the value of a label is expected/],
  ['@role=*', 6, /has "\*" where the value of a label is expected/],
];

for (const [text, position, problem] of refused) {
  test(`parseTerm() refuses ${JSON.stringify(text)}`, () => {
    assert.throws(() => parseTerm(startCursor('node set', text)), {
      kind: 'syntax',
      position,
      message: problem,
    });
  });
}

test('parseTerm() takes names of up to 253 characters, written out', () => {
  parseTerm(startCursor('node set', 'a'.repeat(253)));
  parseTerm(startCursor('node set', `${'a'.repeat(250)}[1-999]`));
  for (const text of ['a'.repeat(254), `${'a'.repeat(250)}[1-1000]`, '?'.repeat(254)]) {
    assert.throws(() => parseTerm(startCursor('node set', text)), { kind: 'limit', position: 0 });
  }
});
