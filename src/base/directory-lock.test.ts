import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { DirectoryInUseError, lockDirectory } from './directory-lock.ts';

test('lockDirectory() refuses a second holder, names the first, and frees on disposal', (t) => {
  const directory = mkdtempSync(join(tmpdir(), 'drover-lock-'));
  t.after(() => rmSync(directory, { recursive: true }));
  {
    using _first = lockDirectory(directory, 'drover up');
    assert.throws(
      () => lockDirectory(directory, 'drover controller'),
      (error) =>
        error instanceof DirectoryInUseError && error.message.includes(`drover up (pid ${process.pid})`),
    );
  }
  using _second = lockDirectory(directory, 'drover controller');
});

test('lockDirectory() says which file of it is damaged', (t) => {
  const directory = mkdtempSync(join(tmpdir(), 'drover-lock-'));
  t.after(() => rmSync(directory, { recursive: true }));
  const path = join(directory, 'lock');
  writeFileSync(path, 'no database '.repeat(100));
  const message = `${path} cannot be locked and is to be removed: file is not a database`;
  assert.throws(() => lockDirectory(directory, 'drover up'), { name: 'DirectoryError', message });
  rmSync(path);
  mkdirSync(path);
  assert.throws(() => lockDirectory(directory, 'drover up'), { name: 'DirectoryError' });
});
