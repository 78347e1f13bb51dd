import assert from 'node:assert/strict';
import { test } from 'node:test';
import { UsageError } from '#base/command-line.ts';
import { parseMode, showMode } from './parse-mode.ts';

test('parseMode() takes octal digits only', () => {
  assert.equal(parseMode('644', '--mode'), 0o644);
  assert.equal(parseMode('0755', '--mode'), 0o755);
  for (const text of ['', '8', 'u+x', '00644', '-1']) {
    assert.throws(() => parseMode(text, '--mode'), UsageError);
  }
});

test('showMode() writes what ls -l writes', () => {
  const cases: readonly (readonly [string, number, string])[] = [
    ['d', 0o755, 'drwxr-xr-x'],
    ['-', 0o4755, '-rwsr-xr-x'],
    ['-', 0o2644, '-rw-r-Sr--'],
    ['d', 0o1777, 'drwxrwxrwt'],
    ['l', 0, 'l---------'],
  ];
  for (const [letter, mode, shown] of cases) assert.equal(showMode(letter, mode), shown);
});
