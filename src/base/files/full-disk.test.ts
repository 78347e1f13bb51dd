import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { testInNamespace } from '#test/chaos/in-namespace.ts';
import { copyTree } from '#test/fixture/copy-tree.ts';
import { temporaryDirectory } from '#test/fixture/temporary-directory.ts';

const namespace = { file: fileURLToPath(import.meta.url), unshare: [] };

testInNamespace(
  'receiveTree() on a full disk says so, leaves the old file, and nothing that fills it',
  namespace,
  async (t) => {
    const directory = temporaryDirectory(t);
    const [from, to] = [join(directory, 'from'), join(directory, 'to')];
    mkdirSync(from);
    mkdirSync(to);
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=2m', 'none', to]);
    using _unmount = unmountAfterwards(to);
    writeFileSync(join(from, 'large'), Buffer.alloc(8 << 20, 1));
    for (let at = 0; at < 400; at += 1) writeFileSync(join(from, `s${at}`), Buffer.alloc(9_000, 1));
    writeFileSync(join(to, 'large'), 'old');
    const names = readdirSync(from);
    const copied = await copyTree(from, to, { names });
    assert.ok(copied.done);
    assert.ok(copied.problems.length > 1);
    for (const { error } of copied.problems) assert.equal(error, 'no space left on the device');
    assert.equal(readFileSync(join(to, 'large'), 'utf8'), 'old');
    const there = readdirSync(to);
    assert.deepEqual(
      there.filter((name) => name.startsWith('.drover-')),
      [],
    );
    assert.equal(there.length - 1 + copied.problems.length, names.length, 'each is there, or a problem');
  },
);

testInNamespace(
  'receiveTree() on a file system that is read-only says so of each entry',
  namespace,
  async (t) => {
    const directory = temporaryDirectory(t);
    const [from, to] = [join(directory, 'from'), join(directory, 'to')];
    mkdirSync(from);
    mkdirSync(to);
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'ro', 'none', to]);
    using _unmount = unmountAfterwards(to);
    mkdirSync(join(from, 'dir'));
    writeFileSync(join(from, 'small'), 'x');
    writeFileSync(join(from, 'large'), Buffer.alloc(20_000, 1));
    const copied = await copyTree(from, to, { names: ['dir', 'small', 'large'] });
    assert.deepEqual(
      copied.problems.map(({ path, error }) => `${path}: ${error}`).sort(),
      ['dir', 'large', 'small'].map((at) => `${at}: file system is read-only`),
    );
  },
);

/** Before the directory is removed, which is the first thing that is done after a test. */
function unmountAfterwards(directory: string): Disposable {
  return { [Symbol.dispose]: () => void execFileSync('umount', [directory]) };
}
