/** Orders while another process swaps directories for links: nothing outside is ever read, made, moved or removed. */
import assert from 'node:assert/strict';
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { testInNamespace } from '#test/chaos/in-namespace.ts';
import { FileNode } from '#test/fixture/file-node.ts';
import { swapper } from '#test/fixture/swapper.ts';

test('FileHost does nothing outside of its roots while directories are swapped for links', async (t) => {
  const node = FileNode.make(t, '{read: [ROOT], write: [ROOT]}');
  const outside = join(node.directory, 'outside');
  mkdirSync(join(outside, 'sub'), { recursive: true });
  writeFileSync(join(outside, 'file'), 'outside');
  writeFileSync(join(outside, 'sub', 'deep'), 'outside');
  mkdirSync(join(node.root, 'swapped', 'sub'), { recursive: true });
  const at = (name: string) => join(node.root, 'swapped', name);
  const child = spawn(process.execPath, ['-e', swapper, node.root, outside], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  const gone = once(child, 'exit');
  try {
    await once(child.stdout, 'data');
    let done = 0n;
    for (let i = 0; i < 40; i += 1) {
      const made = await node.ask({
        case: 'makeDirectories',
        value: { paths: [at(`d${i}/x`)], parents: true },
      });
      const moved = await node.ask({ case: 'move', value: { from: at(`d${i}`), to: at(`e${i}`) } });
      const read = await node.ask({ case: 'read', value: { path: at('file') } });
      const listed = await node.ask({ case: 'list', value: { paths: [node.root], recursive: true } });
      assert.ok(listed.entries.every(({ path }) => !path.endsWith('/deep')));
      assert.equal(read.text, '');
      const paths = [at('file'), at('sub'), at(`e${i}`)];
      const removed = await node.ask({ case: 'remove', value: { paths, recursive: true } });
      done += (made.done ?? 0n) + (moved.done ?? 0n) + (removed.done ?? 0n);
    }
    assert.ok(done > 0n, 'some came through');
  } finally {
    child.stdin.end();
    await gone;
  }
  assert.deepEqual(readdirSync(outside).sort(), ['file', 'sub']);
  assert.deepEqual(readdirSync(join(outside, 'sub')), ['deep']);
  assert.equal(readFileSync(join(outside, 'sub', 'deep'), 'utf8'), 'outside');
});

const namespace = { file: fileURLToPath(import.meta.url), unshare: [] };

testInNamespace('FileHost removes no mount point and nothing beneath one', namespace, async (t) => {
  const node = FileNode.make(t, '{read: [ROOT], write: [ROOT]}');
  const mounted = join(node.root, 'tree', 'mounted');
  mkdirSync(mounted, { recursive: true });
  writeFileSync(join(node.root, 'tree', 'file'), '');
  execFileSync('mount', ['-t', 'tmpfs', 'none', mounted]);
  try {
    writeFileSync(join(mounted, 'kept'), 'kept');
    const paths = [join(node.root, 'tree'), mounted];
    const { problems, done } = await node.ask({ case: 'remove', value: { paths, recursive: true } });
    assert.equal(done, 1n);
    assert.deepEqual(
      problems.map(({ path, error }) => `${path.slice(node.root.length)}: ${error}`),
      ['/tree/mounted: is a mount point', '/tree: directory is not empty', '/tree/mounted: is a mount point'],
    );
    assert.equal(readFileSync(join(mounted, 'kept'), 'utf8'), 'kept');
    const moved = await node.ask({ case: 'move', value: { from: mounted, to: join(node.root, 'x') } });
    assert.equal(moved.problems[0]?.error, 'is a mount point, or in use');
    writeFileSync(join(node.root, 'plain'), '');
    const away = await node.ask({
      case: 'move',
      value: { from: join(node.root, 'plain'), to: join(mounted, 'x') },
    });
    assert.equal(away.problems[0]?.error, 'is on another file system');
  } finally {
    execFileSync('umount', [mounted]);
  }
});
