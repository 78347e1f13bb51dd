/** Ten thousand tries to be led outside: by paths, and by another process that swaps directories for links meanwhile. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { lstatSync, mkdirSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { create } from '@bufbuild/protobuf';
import fc from 'fast-check';
import { FileKind, type SenderFrame, SenderFrameSchema } from '#protocol/gen/drover/v1/file_pb.ts';
import { copyTree, sinkOptions } from '#test/fixture/copy-tree.ts';
import { swapper } from '#test/fixture/swapper.ts';
import { temporaryDirectory } from '#test/fixture/temporary-directory.ts';
import { closeFile } from './descriptors.ts';
import { DirectoryHandle } from './directory-handle.ts';
import { receiveTree } from './receive-tree.ts';
import { parseAskedPath, parseTreePath } from './tree-path.ts';

const tries = 10_000;

async function withSwapper(t: TestContext, body: (inside: string, outside: string) => Promise<void>) {
  const directory = temporaryDirectory(t);
  const [inside, outside] = [join(directory, 'inside'), join(directory, 'outside')];
  mkdirSync(join(inside, 'swapped'), { recursive: true });
  mkdirSync(outside);
  writeFileSync(join(inside, 'swapped', 'file'), 'inside');
  writeFileSync(join(outside, 'file'), 'outside');
  const child = spawn(process.execPath, ['-e', swapper, inside, outside], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  const gone = once(child, 'exit');
  try {
    await once(child.stdout, 'data');
    await body(inside, outside);
  } finally {
    child.stdin.end();
    await gone;
  }
  assert.deepEqual(readdirSync(outside), ['file'], 'nothing was put outside or removed there');
  assert.equal(readFileSync(join(outside, 'file'), 'utf8'), 'outside');
}

test('DirectoryHandle is never led outside by a directory that is swapped for a link', async (t) => {
  await withSwapper(t, async (inside) => {
    using root = await DirectoryHandle.open(inside);
    let [opened, refused] = [0, 0];
    for (let at = 0; at < tries; at += 1) {
      try {
        using swapped = await root.openDirectory('swapped');
        const { file } = await swapped.openFile('file');
        const found = readFileSync(file, 'utf8');
        await closeFile(file);
        assert.equal(found, 'inside');
        await closeFile(await swapped.createFile('new', 0o600));
        await swapped.rename('new', 'newer');
        await swapped.removeFile('newer');
        opened += 1;
      } catch (error) {
        assert.match(String((error as NodeJS.ErrnoException).code), /^(ENOENT|ENOTDIR|ELOOP)$/);
        refused += 1;
      }
    }
    assert.ok(opened > 0 && refused > 0, `${opened} opened, ${refused} refused: there was a race`);
  });
});

test('receiveTree() and sendTree() are not led outside either', async (t) => {
  await withSwapper(t, async (inside, outside) => {
    const from = temporaryDirectory(t);
    mkdirSync(join(from, 'swapped'));
    const names = Array.from({ length: 40 }, (_, at) => `f${at}`);
    for (const name of names)
      writeFileSync(join(from, 'swapped', name), 'x'.repeat(name === 'f7' ? 20_000 : 9));
    let placed = 0;
    for (let at = 0; at < 25; at += 1) {
      const copied = await copyTree(from, inside, { names: ['swapped'] });
      placed += copied.results.length;
      assert.equal(copied.failure, undefined);
      assert.deepEqual(readdirSync(outside), ['file']);
    }
    assert.ok(placed > 0);
    const back = temporaryDirectory(t);
    for (let at = 0; at < 25; at += 1) {
      await copyTree(inside, back, { names: ['swapped'] });
      // A link comes as a link.
      if (isDirectory(join(back, 'swapped'))) {
        assert.notEqual(readText(join(back, 'swapped', 'file')), 'outside');
      }
      rmSync(join(back, 'swapped'), { recursive: true, force: true });
    }
  });
});

function isDirectory(path: string): boolean {
  return lstatSync(path, { throwIfNoEntry: false })?.isDirectory() ?? false;
}

function readText(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return undefined;
  }
}

test('receiveTree() is led outside by no path and no link that a sender can make up', async (t) => {
  const directory = temporaryDirectory(t);
  const [inside, outside] = [join(directory, 'inside'), join(directory, 'outside')];
  mkdirSync(inside);
  mkdirSync(outside);
  writeFileSync(join(outside, 'file'), 'outside');
  symlinkSync(outside, join(inside, 'link'));
  const part = fc.constantFrom(
    '..',
    '.',
    '',
    'a',
    'b',
    'link',
    'outside',
    'file',
    '...',
    '..\0',
    '~',
    'c:',
    '\\..',
    '%2e%2e',
  );
  const path = fc
    .tuple(
      fc.constantFrom('', '/', '../', './', `${outside}/`, '//'),
      fc.array(part, { minLength: 1, maxLength: 6 }),
    )
    .map(([first, parts]) => first + parts.join('/'));
  const target = fc.constantFrom(outside, '../outside', '..', '/', '.', `${outside}/file`);
  const entry = fc.record({
    path,
    kind: fc.constantFrom(FileKind.REGULAR, FileKind.DIRECTORY, FileKind.SYMLINK),
    linkTarget: target,
  });
  const perTree = 50;
  using handle = await DirectoryHandle.open(inside);
  await fc.assert(
    fc.asyncProperty(fc.array(entry, { minLength: perTree, maxLength: perTree }), async (entries) => {
      async function* sender(): AsyncGenerator<SenderFrame> {
        for (const value of entries) yield create(SenderFrameSchema, { kind: { case: 'entry', value } });
        yield create(SenderFrameSchema, { kind: { case: 'end', value: {} } });
      }
      for await (const _ of receiveTree(sinkOptions(handle, {}), sender(), new AbortController().signal));
      assert.deepEqual(readdirSync(directory).sort(), ['inside', 'outside']);
      assert.deepEqual(readdirSync(outside), ['file']);
      assert.equal(readFileSync(join(outside, 'file'), 'utf8'), 'outside');
    }),
    { numRuns: tries / perTree },
  );
});

test('parseTreePath() and parseAskedPath() yield no component that leads anywhere but down', () => {
  const piece = fc.oneof(fc.constantFrom('..', '.', '/', '//', '\0', 'a'), fc.string({ maxLength: 4 }));
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 8 }), (pieces) => {
      const path = pieces.join('');
      for (const parse of [parseTreePath, (asked: string) => parseAskedPath(asked).parts]) {
        let parts: readonly string[];
        try {
          parts = parse(path);
        } catch {
          continue;
        }
        assert.ok(parts.every((part) => part !== '' && part !== '.' && part !== '..' && !/[/\0]/.test(part)));
      }
    }),
    { numRuns: tries },
  );
});
