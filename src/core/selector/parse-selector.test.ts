import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { ExpressionError } from '#core/expression/expression-error.ts';
import { parseSelector } from './parse-selector.ts';
import type { Requirement, RequirementOperator } from './selector.ts';

const accepted: [text: string, requirements: [string, RequirementOperator, string[]][]][] = [
  ['role', [['role', 'exists', []]]],
  ['!spot', [['spot', 'absent', []]]],
  ['! spot', [['spot', 'absent', []]]],
  ['role=web', [['role', 'in', ['web']]]],
  ['role==web', [['role', 'in', ['web']]]],
  ['role!=web', [['role', 'not-in', ['web']]]],
  [' role = web ', [['role', 'in', ['web']]]],
  ['zone in (a,b)', [['zone', 'in', ['a', 'b']]]],
  ['zone in(a)', [['zone', 'in', ['a']]]],
  ['zone notin ( a , b )', [['zone', 'not-in', ['a', 'b']]]],
  ['gpu=', [['gpu', 'in', ['']]]],
  [
    'gpu=,x',
    [
      ['gpu', 'in', ['']],
      ['x', 'exists', []],
    ],
  ],
  ['gpu in (,a)', [['gpu', 'in', ['', 'a']]]],
  ['gpu in (a,)', [['gpu', 'in', ['a', '']]]],
  ['gpu in (,)', [['gpu', 'in', ['', '']]]],
  ['in', [['in', 'exists', []]]],
  ['in in (in,notin)', [['in', 'in', ['in', 'notin']]]],
  ['example.com/tier=a_b.c-1', [['example.com/tier', 'in', ['a_b.c-1']]]],
  [
    'role=web,zone in (a,b),!spot',
    [
      ['role', 'in', ['web']],
      ['zone', 'in', ['a', 'b']],
      ['spot', 'absent', []],
    ],
  ],
];

for (const [text, requirements] of accepted) {
  test(`parseSelector() reads ${JSON.stringify(text)}`, () => {
    const expected = requirements.map(([key, operator, values]) => ({ key, operator, values }));
    assert.deepEqual(parseSelector(text), expected);
  });
}

const refused: [text: string, position: number, problem: RegExp][] = [
  ['', 0, /^label selector is empty$/],
  [' \t', 0, /^label selector is empty$/],
  [',', 0, /has "," where a label is expected at character 1$/],
  ['a,', 2, /ends where a label is expected at character 3$/],
  ['a,,b', 2, /has "," where a label is expected/],
  ['=a', 0, /has "=" where a label is expected/],
  ['!', 1, /ends where a label is expected/],
  ['!!a', 1, /has "!" where a label is expected/],
  ['!a=b', 2, /has "=" where a comma or the end is expected/],
  ['a b', 2, /has "b" where =, !=, in or notin is expected/],
  ['a IN (b)', 2, /has "I" where =, !=, in or notin is expected/],
  ['a===b', 3, /has "=" where a comma or the end is expected/],
  ['a!b', 1, /has "!" where =, !=, in or notin is expected/],
  ['a=b c', 4, /has "c" where a comma or the end is expected/],
  ['a in', 4, /ends where \( is expected/],
  ['a in b', 5, /has "b" where \( is expected/],
  ['a in ()', 6, /has "\)" where a value is expected/],
  ['a in (b', 7, /ends where , or \) is expected/],
  ['a in (b c)', 8, /has "c" where , or \) is expected/],
  ['a>1', 1, /has ">" where =, !=, in or notin is expected/],
  ['rôle=web', 1, /has U\+00F4 where/],
];

for (const [text, position, problem] of refused) {
  test(`parseSelector() refuses ${JSON.stringify(text)}`, () => {
    assert.throws(() => parseSelector(text), { name: 'ExpressionError', position, message: problem });
  });
}

const limits: [name: string, within: string, over: string, position: number][] = [
  ['a key', 'k'.repeat(63), 'k'.repeat(64), 0],
  ['a value', `k=${'v'.repeat(63)}`, `k=${'v'.repeat(64)}`, 2],
  ['labels', `a${',a'.repeat(255)}`, `a${',a'.repeat(256)}`, 512],
  ['labels and values', `a in (${',b'.repeat(254)})`, `a in (${',b'.repeat(255)})`, 0],
  ['text', `a${' '.repeat(32_767)}`, `a${' '.repeat(32_768)}`, 32_768],
];

for (const [name, within, over, position] of limits) {
  test(`parseSelector() holds the limit of ${name}`, () => {
    parseSelector(within);
    assert.throws(() => parseSelector(over), { kind: 'limit', position });
  });
}

const word = fc.stringMatching(/^[A-Za-z0-9._/-]{1,12}$/);
const value = fc.oneof(word, fc.constant(''));
const listed = fc
  .array(value, { minLength: 1, maxLength: 4 })
  .filter(([first, ...others]) => first !== '' || others.length > 0); // () has no value

const space = fc.constantFrom('', ' ', '\t ');

/** A requirement, and one of the ways to write it. */
const written: fc.Arbitrary<readonly [Requirement, string]> = fc
  .record({ key: word, values: listed, s: space, more: space })
  .chain(({ key, values, s, more }) => {
    const list = `(${values.map((one) => `${s}${one}${more}`).join(',')})`;
    const [first = ''] = values;
    const make = (operator: RequirementOperator, of: readonly string[], text: string) =>
      [{ key, operator, values: [...of] }, text] as const;
    return fc.constantFrom(
      make('exists', [], `${key}${s}`),
      make('absent', [], `!${s}${key}`),
      make('in', [first], `${key}${s}=${more}${first}`),
      make('in', [first], `${key}${s}==${more}${first}`),
      make('not-in', [first], `${key}${s}!=${more}${first}`),
      make('in', values, `${key} in${s}${list}`),
      make('not-in', values, `${key} notin${s}${list}`),
    );
  });

test('parseSelector() reads what was meant, however it is written', () => {
  fc.assert(
    fc.property(fc.array(written, { minLength: 1, maxLength: 5 }), space, (all, s) => {
      const text = all.map(([, one]) => one).join(`${s},${s}`);
      assert.deepEqual(
        parseSelector(text),
        all.map(([requirement]) => requirement),
      );
    }),
    { numRuns: 2000 },
  );
});

test('parseSelector() gives a selector or an ExpressionError with a position in the text, whatever the text', () => {
  const nearGrammar = fc.string({ unit: fc.constantFrom(...'ab/.!=,() in$é\n'), maxLength: 30 });
  fc.assert(
    fc.property(fc.oneof(nearGrammar, fc.string({ unit: 'binary' })), (text) => {
      try {
        assert.ok(parseSelector(text).length > 0);
      } catch (error) {
        assert.ok(error instanceof ExpressionError);
        assert.ok(error.position >= 0 && error.position <= text.length);
      }
    }),
    { numRuns: 2000 },
  );
});
