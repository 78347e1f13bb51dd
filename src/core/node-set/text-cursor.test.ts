import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  isAtEnd,
  peekCharacter,
  skipSpaces,
  takeCharacter,
  takePattern,
  unexpectedHere,
} from './text-cursor.ts';

test('takeCharacter() advances only over the character asked for', () => {
  const cursor = { text: 'ab', position: 0 };
  assert.equal(takeCharacter(cursor, 'b'), false);
  assert.equal(cursor.position, 0);
  assert.equal(takeCharacter(cursor, 'a'), true);
  assert.equal(peekCharacter(cursor), 'b');
});

test('takePattern() takes from here only', () => {
  const cursor = { text: 'a12', position: 0 };
  assert.equal(takePattern(cursor, /[0-9]+/y), '');
  cursor.position = 1;
  assert.equal(takePattern(cursor, /[0-9]+/y), '12');
  assert.equal(isAtEnd(cursor), true);
  assert.equal(peekCharacter(cursor), '');
});

test('skipSpaces() skips spaces, tabs and line ends', () => {
  const cursor = { text: ' \t\r\n x', position: 0 };
  skipSpaces(cursor);
  assert.equal(cursor.position, 5);
});

test('unexpectedHere() names the character, or the end', () => {
  assert.match(unexpectedHere({ text: 'a$', position: 1 }, 'here').message, /has "\$" here at character 1$/);
  assert.match(unexpectedHere({ text: 'a$', position: 2 }, 'here').message, /ends here at character 2$/);
});
