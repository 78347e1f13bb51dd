import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { quoteWord } from '#cli/output/quote-word.ts';
import { splitWords, UnfinishedLineError } from './split-words.ts';

const texts = (line: string) => splitWords(line).map((word) => word.text);

for (const [line, expected] of [
  ['', []],
  ['  \t ', []],
  ['ls -l /tmp', ['ls', '-l', '/tmp']],
  [`echo 'a b' "c d"`, ['echo', 'a b', 'c d']],
  [`a"b c"'d'e`, ['ab cde']],
  [`""  ''`, ['', '']],
  ['a\\ b \\" \\\\', ['a b', '"', '\\']],
  [`"a\\"b\\$c\\d"`, ['a"b$c\\d']],
  [`'a\\b'`, ['a\\b']],
  ['日本 🐑', ['日本', '🐑']],
] as const) {
  test(`splitWords() of ${line}`, () => assert.deepEqual(texts(line), expected));
}

for (const [line, special] of [
  ['a|b', '|'],
  ['*.txt', '*'],
  ['$HOME', '$'],
  ['a;b&', ';'],
  ["'|'", undefined],
  ['"$HOME"', undefined],
  ['\\*', undefined],
  ['node[1-3]', undefined],
] as const) {
  test(`splitWords() marks ${special ?? 'nothing'} in ${line}`, () => {
    assert.equal(splitWords(line)[0]?.special, special);
  });
}

for (const line of ["'a", '"a', 'a\\', '"a\\"']) {
  test(`splitWords() refuses ${line}`, () => assert.throws(() => splitWords(line), UnfinishedLineError));
}

test('splitWords() reads back every word that was quoted', () => {
  fc.assert(
    fc.property(fc.array(fc.string({ unit: 'grapheme' })), (words) => {
      const read = splitWords(words.map(quoteWord).join(' '));
      assert.deepEqual(
        read.map((word) => word.text),
        words,
      );
      assert.ok(read.every((word) => word.special === undefined));
    }),
  );
});
