import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { ExpressionError } from '#core/expression/expression-error.ts';
import { parseNodeSet } from './parse-node-set.ts';

test('parseNodeSet() keeps operators in their order, with white space around them', () => {
  const { text, operands } = parseNodeSet(' a ,b! c\t&\nd ^e ');
  assert.equal(text, ' a ,b! c\t&\nd ^e ');
  assert.deepEqual(
    operands.map(({ operator, position }) => [operator, position]),
    [
      ['union', 1],
      ['union', 4],
      ['difference', 7],
      ['intersection', 11],
      ['symmetric-difference', 14],
    ],
  );
});

test('parseNodeSet() takes a comma in brackets for the ranges', () => {
  assert.equal(parseNodeSet('a[1,2],b').operands.length, 2);
});

const refused: [text: string, kind: string, position: number, message: string][] = [
  ['', 'empty', 0, 'node set is empty'],
  [' \t\n', 'empty', 0, 'node set is empty'],
  ['web[1-', 'syntax', 6, 'node set "web[1-" ends inside brackets at character 7'],
  ['a,,b', 'syntax', 2, 'node set "a,,b" has "," where a node name is expected at character 3'],
  ['a,', 'syntax', 2, 'node set "a," ends where a node name is expected at character 3'],
  ['!a', 'syntax', 0, 'node set "!a" has "!" where a node name is expected at character 1'],
  ['a b', 'syntax', 2, 'node set "a b" has "b" where an operator (, ! & ^) is expected at character 3'],
  ['a]', 'syntax', 1, 'node set "a]" has "]" where an operator (, ! & ^) is expected at character 2'],
  ['@a!=b', 'syntax', 3, 'node set "@a!=b" has "=" where a node name is expected at character 4'],
  ['n[1-100001]', 'limit', 0, 'node set "n[1-100001]" writes out more than 100000 names at character 1'],
];

for (const [text, kind, position, message] of refused) {
  test(`parseNodeSet() refuses ${JSON.stringify(text)}`, () => {
    assert.throws(() => parseNodeSet(text), { name: 'ExpressionError', kind, position, message });
  });
}

const limits: [name: string, within: string, over: string, position: number][] = [
  ['text', `${'a,'.repeat(32_767)}a`, `${'a,'.repeat(32_768)}a`, 65_536],
  ['names of one range', 'n[1-100000]', 'n[0-100000]', 0],
  ['names of all dimensions', 'n[1-100]x[1-10]y[1-100]', 'n[1-100]x[1-10]y[1-101]', 0],
  ['names of all operands, also those taken away', 'n[1-99999]!a', 'n[1-99999]!a,b', 13],
  ['names of a glob', 'n[1-100000]*', 'n[1-100001]*', 0],
  ['labels', `@all${',@a'.repeat(255)}`, `@all${',@a'.repeat(256)}`, 770],
  ['globs, by their pieces', `@all,@a${',a*'.repeat(127)}`, `@all,@a${',a*'.repeat(128)}`, 389],
];

for (const [name, within, over, position] of limits) {
  test(`parseNodeSet() holds the limit of ${name}`, () => {
    parseNodeSet(within);
    assert.throws(() => parseNodeSet(over), { kind: 'limit', position });
  });
}

test('parseNodeSet() counts a set far over the limit without writing it out', () => {
  const text = `n${'[0-999999999999999]'.repeat(15)}`;
  assert.throws(() => parseNodeSet(text), { kind: 'limit', position: 0 });
});

test('parseNodeSet() gives an expression or an ExpressionError with a position in the text, whatever the text', () => {
  const nearGrammar = fc.string({ unit: fc.constantFrom(...'aZ0189.-_[]*?@=/,!&^ \n$é'), maxLength: 40 });
  fc.assert(
    fc.property(fc.oneof(nearGrammar, fc.string({ unit: 'binary' })), (text) => {
      try {
        assert.ok(parseNodeSet(text).operands.length > 0);
      } catch (error) {
        assert.ok(error instanceof ExpressionError);
        assert.ok(error.position >= 0 && error.position <= text.length);
      }
    }),
    { numRuns: 2000 },
  );
});
