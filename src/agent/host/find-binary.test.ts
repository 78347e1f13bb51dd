import assert from 'node:assert/strict';
import { chmod, mkdir, mkdtemp, realpath, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { findBinary } from './find-binary.ts';

const directory = await realpath(await mkdtemp(join(tmpdir(), 'drover-binary-')));
after(() => rm(directory, { recursive: true }));
const [first, second] = [join(directory, 'first'), join(directory, 'second')];
await mkdir(join(first, 'folder'), { recursive: true });
await mkdir(second);
for (const file of [join(first, 'plain'), join(second, 'plain'), join(second, 'both'), join(first, 'only')]) {
  await writeFile(file, '#!/bin/sh\n');
}
await chmod(join(second, 'both'), 0o755);
await chmod(join(second, 'plain'), 0o755);
await symlink(second, join(directory, 'link'));
await symlink('both', join(second, 'alias'));
const path = `${first}::relative:${second}:/none`;

const cases: Record<string, [command: string, found: string | RegExp, errno?: number]> = {
  'on the path': ['both', join(second, 'both')],
  'past one that is not executable': ['plain', join(second, 'plain')],
  'not executable anywhere': ['only', /^command only: .*first\/only is not executable$/, 13],
  'a directory': ['folder', /^command folder: .*first\/folder is not executable$/, 13],
  'nowhere on the path': ['frobnicate', /^command frobnicate: not found on PATH$/, 2],
  absolute: [join(second, 'both'), join(second, 'both')],
  'absolute and missing': [join(second, 'none'), /^command .*none: no such file$/, 2],
  'absolute and not executable': [join(first, 'only'), /is not executable$/, 13],
  'relative to the working directory': ['./second/both', join(second, 'both')],
  'through a linked directory': [join(directory, 'link', 'both'), join(second, 'both')],
  'a link, which keeps its name': ['alias', join(second, 'alias')],
  'with a NUL': ['a\0b', /not found on PATH$/, 2],
};

for (const [name, [command, expected, errno]] of Object.entries(cases)) {
  test(`findBinary() ${name}`, async () => {
    const result = await findBinary(command, path, directory);
    if (expected instanceof RegExp) {
      assert.ok('missing' in result, JSON.stringify(result));
      assert.match(result.missing, expected);
      assert.equal(result.errno, errno);
    } else assert.deepEqual(result, { found: expected });
  });
}
