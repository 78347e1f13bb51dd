import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { describeCharacter, ExpressionError, renderPointer } from './expression-error.ts';

test('ExpressionError says what is wrong with what, and where', () => {
  const error = new ExpressionError('node set', 'syntax', 'web[1-', 6, 'ends inside brackets');
  assert.equal(error.message, 'node set "web[1-" ends inside brackets at character 7');
  assert.equal(error.name, 'ExpressionError');
  assert.equal(error.kind, 'syntax');
  assert.equal(error.position, 6);
  assert.equal(new ExpressionError('node set', 'empty', '  ', 0, 'is empty').message, 'node set is empty');
  assert.match(error.within('hosts, line 3').message, /^hosts, line 3: node set "web\[1-" ends inside/);
});

test('renderPointer() puts a caret under the character', () => {
  assert.equal(renderPointer(new ExpressionError('node set', 'syntax', 'web[1-', 6, 'x')), 'web[1-\n      ^');
  assert.equal(renderPointer(new ExpressionError('node set', 'syntax', 'a,,b', 2, 'x')), 'a,,b\n  ^');
});

test('renderPointer() cuts a long text around the character', () => {
  const text = `${'a'.repeat(500)}$${'b'.repeat(500)}`;
  const [line = '', caret = ''] = renderPointer(
    new ExpressionError('node set', 'syntax', text, 500, 'x'),
  ).split('\n');
  assert.equal(line.length, 78);
  assert.equal(line.at(caret.indexOf('^')), '$');
  assert.match(line, /^…a+\$b+…$/);
});

test('renderPointer() is two printable lines for any text and position, because it goes to terminals', () => {
  const texts = fc.string({ unit: 'binary', maxLength: 300 });
  fc.assert(
    fc.property(texts, fc.nat(300), (text, offset) => {
      const position = Math.min(offset, text.length);
      const error = new ExpressionError('node set', 'syntax', text, position, 'x');
      const [line = '', caret = '', ...more] = renderPointer(error).split('\n');
      assert.match(line, /^…?[\x20-\x7e]*…?$/);
      assert.match(caret, /^ *\^$/);
      assert.deepEqual(more, []);
      assert.ok(line.length <= 78 && caret.length <= 79);
      const marked = line.charAt(caret.length - 1);
      assert.ok(marked === text.charAt(position) || marked === '?');
      assert.match(error.message, /^[\x20-\x7e…]*$/);
    }),
  );
});

test('describeCharacter() gives a code point where printing is not safe or not clear', () => {
  const described = ['$', '\n', 'é', '\u{1f600}', '\u202e'].map((text) => describeCharacter(text, 0));
  assert.deepEqual(described, ['"$"', 'U+000A', 'U+00E9', 'U+1F600', 'U+202E']);
});
