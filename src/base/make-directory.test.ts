import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { DirectoryError, makeDirectory } from './make-directory.ts';

test('makeDirectory() makes what is missing, for nobody else, and may be called again', (t) => {
  const root = mkdtempSync(join(tmpdir(), 'drover-make-'));
  t.after(() => rmSync(root, { recursive: true }));
  makeDirectory(join(root, 'a', 'b'));
  makeDirectory(join(root, 'a', 'b'));
  assert.equal(statSync(join(root, 'a')).mode & 0o777, 0o700);
  assert.equal(statSync(join(root, 'a', 'b')).mode & 0o777, 0o700);
});

test('makeDirectory() says what stands in the way', (t) => {
  const root = mkdtempSync(join(tmpdir(), 'drover-make-'));
  t.after(() => rmSync(root, { recursive: true }));
  const file = join(root, 'file');
  writeFileSync(file, '');
  for (const path of [file, join(file, 'a', 'b')]) {
    assert.throws(() => makeDirectory(path), new DirectoryError(`${file} is a file, not a directory`));
  }
});

test('makeDirectory() comes to an end where nothing can be made', () => {
  assert.throws(
    () => makeDirectory('/proc/drover/a'),
    new DirectoryError('cannot make the directory /proc/drover: no such file or directory'),
  );
});
