import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
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
