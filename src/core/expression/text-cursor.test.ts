import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  isAtEnd,
  peekCharacter,
  skipSpaces,
  startCursor,
  takeCharacter,
  takePattern,
  unexpectedHere,
} from './text-cursor.ts';

test('takeCharacter() advances only over the character asked for', () => {
  const cursor = startCursor('node set', 'ab');
  assert.equal(takeCharacter(cursor, 'b'), false);
  assert.equal(cursor.position, 0);
  assert.equal(takeCharacter(cursor, 'a'), true);
  assert.equal(peekCharacter(cursor), 'b');
});

test('takePattern() takes from here only', () => {
  const cursor = startCursor('node set', 'a12');
  assert.equal(takePattern(cursor, /[0-9]+/y), '');
  cursor.position = 1;
  assert.equal(takePattern(cursor, /[0-9]+/y), '12');
  assert.equal(isAtEnd(cursor), true);
  assert.equal(peekCharacter(cursor), '');
});

test('skipSpaces() skips spaces, tabs and line ends', () => {
  const cursor = startCursor('node set', ' \t\r\n x');
  skipSpaces(cursor);
  assert.equal(cursor.position, 5);
});

test('unexpectedHere() names the character, or the end', () => {
  assert.match(
    unexpectedHere({ ...startCursor('label selector', 'a$'), position: 1 }, 'here').message,
    /^label selector "a\$" has "\$" here at character 2$/,
  );
  assert.match(
    unexpectedHere({ ...startCursor('label selector', 'a$'), position: 2 }, 'here').message,
    /ends here at character 3$/,
  );
});
