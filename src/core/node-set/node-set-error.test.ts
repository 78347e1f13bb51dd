import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { describeCharacter, NodeSetError, renderNodeSetPointer } from './node-set-error.ts';

test('NodeSetError says what is wrong with what, and where', () => {
  const error = new NodeSetError('syntax', 'web[1-', 6, 'ends inside brackets');
  assert.equal(error.message, 'node set "web[1-" ends inside brackets at character 6');
  assert.equal(error.name, 'NodeSetError');
  assert.equal(error.kind, 'syntax');
  assert.equal(error.position, 6);
  assert.equal(new NodeSetError('empty', '  ', 0, 'is empty').message, 'node set is empty');
});

test('renderNodeSetPointer() puts a caret under the character', () => {
  assert.equal(renderNodeSetPointer(new NodeSetError('syntax', 'web[1-', 6, 'x')), 'web[1-\n      ^');
  assert.equal(renderNodeSetPointer(new NodeSetError('syntax', 'a,,b', 2, 'x')), 'a,,b\n  ^');
});

test('renderNodeSetPointer() cuts a long text around the character', () => {
  const text = `${'a'.repeat(500)}$${'b'.repeat(500)}`;
  const [line = '', caret = ''] = renderNodeSetPointer(new NodeSetError('syntax', text, 500, 'x')).split(
    '\n',
  );
  assert.equal(line.length, 78);
  assert.equal(line.at(caret.indexOf('^')), '$');
  assert.match(line, /^…a+\$b+…$/);
});

test('renderNodeSetPointer() is two printable lines for any text and position, because it goes to terminals', () => {
  const texts = fc.string({ unit: 'binary', maxLength: 300 });
  fc.assert(
    fc.property(texts, fc.nat(300), (text, offset) => {
      const position = Math.min(offset, text.length);
      const error = new NodeSetError('syntax', text, position, 'x');
      const [line = '', caret = '', ...more] = renderNodeSetPointer(error).split('\n');
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
