import assert from 'node:assert/strict';
import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { temporaryDirectory } from '#test/fixture/temporary-directory.ts';
import { DirectoryHandle } from './directory-handle.ts';
import { describeFileError } from './file-error.ts';
import { settleTarget } from './settle-target.ts';

test('settleTarget() goes into a directory, takes any other name, and follows no link', async (t) => {
  const directory = temporaryDirectory(t);
  mkdirSync(join(directory, 'dir'));
  writeFileSync(join(directory, 'file'), '');
  symlinkSync('dir', join(directory, 'link'));
  using parent = await DirectoryHandle.open(directory);
  const settled = async (name: string, intoDirectory: boolean, exact = false) => {
    try {
      using target = await settleTarget(parent, name, { intoDirectory, exact });
      return target.as ?? target.directory.path.slice(directory.length);
    } catch (error) {
      return describeFileError(error);
    }
  };
  assert.equal(await settled('dir', false), '/dir');
  assert.equal(await settled('dir', true), '/dir');
  assert.equal(await settled('file', false), 'file');
  assert.equal(await settled('new', false), 'new');
  assert.equal(await settled('file', true), 'is not a directory');
  assert.equal(await settled('new', true), 'no such file or directory');
  for (const name of ['dir', 'file', 'new']) assert.equal(await settled(name, false, true), name);
  assert.equal(await settled('.', false), '');
  assert.equal(await settled('.', false, true), 'has no name that what is copied could take');
  assert.match(await settled('link', false, true), /^is a symbolic link/);
  assert.match(await settled('link', false), /^is a symbolic link to "dir", and links are not followed$/);
});
