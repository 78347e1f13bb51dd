import assert from 'node:assert/strict';
import {
  appendFileSync,
  chmodSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  statSync,
  symlinkSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import fc from 'fast-check';
import { FakeClock } from '#base/clock.ts';
import { FileAction } from '#protocol/gen/drover/v1/file_pb.ts';
import { limits } from '#protocol/limits.ts';
import { type Copied, copyTree } from '#test/fixture/copy-tree.ts';
import { temporaryDirectory } from '#test/fixture/temporary-directory.ts';
import { digestOf } from './source-file.ts';

const { fileChunkBytes } = limits;
const isRoot = process.getuid?.() === 0;

/** What a directory holds, as one text: kinds, contents, links. */
function describeTree(directory: string, prefix = ''): string[] {
  return readdirSync(join(directory, prefix))
    .sort()
    .flatMap((name) => {
      const path = join(prefix, name);
      const stats = lstatSync(join(directory, path));
      if (stats.isSymbolicLink()) return [`${path} -> ${readlinkSync(join(directory, path))}`];
      if (stats.isDirectory()) return [`${path}/`, ...describeTree(directory, path)];
      return [`${path} ${digestOf(readFileSync(join(directory, path))).toString('hex')}`];
    });
}

function twoDirectories(t: TestContext) {
  const directory = temporaryDirectory(t);
  const [from, to] = [join(directory, 'from'), join(directory, 'to')];
  mkdirSync(from);
  mkdirSync(to);
  return { from, to };
}

function actions({ results }: Copied): Record<string, FileAction> {
  return Object.fromEntries(results.map(({ path, action }) => [path.split('/').at(-1) ?? '', action]));
}

/** Content that differs from chunk to chunk. */
function contentOf(size: number, seed: number): Buffer {
  const content = Buffer.alloc(size);
  for (let at = 0; at < size; at += 4096) content.writeUInt8((at / 4096 + seed) & 0xff, at);
  for (let at = 0; at + 8 < size; at += fileChunkBytes) content.writeUInt32BE(at + seed, at + 4);
  return content;
}

const name = fc.stringMatching(/^[a-zA-Zäß€ \-\n*]{1,12}$/).filter((text) => text !== '-');
const content = fc.oneof(
  { weight: 4, arbitrary: fc.uint8Array({ maxLength: 100 }) },
  {
    weight: 2,
    arbitrary: fc
      .tuple(
        fc.constantFrom(
          limits.fileInlineBytesMax - 1,
          limits.fileInlineBytesMax,
          limits.fileInlineBytesMax + 1,
          fileChunkBytes - 1,
          fileChunkBytes,
          fileChunkBytes + 1,
          3 * fileChunkBytes,
        ),
        fc.nat(255),
      )
      .map(([size, seed]) => contentOf(size, seed)),
  },
);
type Tree = { readonly [name: string]: Uint8Array | string | Tree };
const { tree } = fc.letrec<{ tree: Tree; node: Uint8Array | string | Tree }>((tie) => ({
  node: fc.oneof(
    { maxDepth: 4 },
    content,
    fc.constantFrom('somewhere', '/etc/passwd', '..', '../../..'),
    tie('tree'),
  ),
  tree: fc.dictionary(name, tie('node'), { maxKeys: 6 }),
}));

function plant(directory: string, planted: Tree): void {
  mkdirSync(directory);
  for (const [at, what] of Object.entries(planted)) {
    const path = join(directory, at);
    if (typeof what === 'string') symlinkSync(what, path);
    else if (what instanceof Uint8Array) writeFileSync(path, what);
    else plant(path, what);
  }
}

test('receiveTree() puts in place what sendTree() sends, and a second time with checksum nothing', async (t) => {
  const directory = temporaryDirectory(t);
  let tries = 0;
  await fc.assert(
    fc.asyncProperty(tree, async (planted) => {
      tries += 1;
      const [from, to] = [join(directory, `from${tries}`), join(directory, `to${tries}`)];
      mkdirSync(from);
      mkdirSync(to);
      plant(join(from, 'top'), planted);
      const copied = await copyTree(from, to, { names: ['top'] });
      assert.equal(copied.failure, undefined);
      assert.deepEqual(copied.problems, []);
      assert.ok(copied.done);
      assert.deepEqual(describeTree(to), describeTree(from));
      const again = await copyTree(from, to, { names: ['top'], checksum: true });
      assert.ok(again.results.every(({ action }) => action === FileAction.UNCHANGED));
      assert.equal(again.wanted, 0);
      assert.deepEqual(describeTree(to), describeTree(from));
    }),
    { numRuns: 60 },
  );
});

test('receiveTree() cut at any frame leaves the old or the new, and goes on with the missing chunks', async (t) => {
  const { from, to } = twoDirectories(t);
  const chunks = 5;
  const big = contentOf(chunks * fileChunkBytes - 7, 1);
  writeFileSync(join(from, 'big'), big);
  writeFileSync(join(from, 'small'), 'new');
  const old = { big: Buffer.from('old and big'), small: Buffer.from('old') };
  const fresh = { big, small: Buffer.from('new') };
  for (const side of ['onSend', 'onReceive'] as const) {
    for (let cutAt = 0; ; cutAt += 1) {
      for (const [at, bytes] of Object.entries(old)) writeFileSync(join(to, at), bytes);
      let frames = 0;
      const first = await copyTree(from, to, {
        names: ['big', 'small'],
        [side]: () => frames++ < cutAt,
      });
      for (const at of ['big', 'small'] as const) {
        const now = readFileSync(join(to, at));
        assert.ok(now.equals(old[at]) || now.equals(fresh[at]), `${at} is half after frame ${cutAt}`);
      }
      const left = readdirSync(to).filter((at) => at.startsWith('.drover-'));
      assert.ok(left.length <= 1, `${left}`);
      assert.ok(left.every((at) => at.endsWith('.part')));
      const kept = left[0] ? Math.ceil(statSync(join(to, left[0])).size / fileChunkBytes) : 0;
      const second = await copyTree(from, to, { names: ['big', 'small'] });
      assert.equal(second.failure, undefined);
      assert.equal(second.wanted, chunks - kept, `${kept} of ${chunks} were there after frame ${cutAt}`);
      assert.deepEqual(describeTree(to), describeTree(from));
      if (first.done) break;
    }
  }
});

test('receiveTree() with checksum wants only the chunks that differ from the file that is there', async (t) => {
  const { from, to } = twoDirectories(t);
  const bytes = contentOf(4 * fileChunkBytes, 3);
  writeFileSync(join(from, 'file'), bytes);
  bytes.writeUInt8(99, 2 * fileChunkBytes + 1000);
  writeFileSync(join(to, 'file'), bytes);
  const copied = await copyTree(from, to, { names: ['file'], checksum: true });
  assert.equal(copied.wanted, 1);
  assert.deepEqual(actions(copied), { file: FileAction.REPLACED });
  assert.deepEqual(describeTree(to), describeTree(from));
});

test('receiveTree() keeps holes, and fills those of an earlier part with zeros', async (t) => {
  const { from, to } = twoDirectories(t);
  const path = join(from, 'sparse');
  const size = 40 * fileChunkBytes;
  writeFileSync(path, contentOf(3 * fileChunkBytes, 1));
  let frames = 0;
  await copyTree(from, to, {
    names: ['sparse'],
    onReceive: ({ kind }) => kind.case !== 'want' || frames++ < 2,
  });
  truncateSync(path, 0);
  truncateSync(path, size);
  appendFileSync(path, 'end');
  assert.ok(statSync(path).blocks * 512 < size, 'the file system of this test keeps holes');
  const copied = await copyTree(from, to, { names: ['sparse'] });
  assert.equal(copied.wanted, 1);
  assert.deepEqual(describeTree(to), describeTree(from));
  const again = temporaryDirectory(t);
  await copyTree(from, again, { names: ['sparse'] });
  assert.ok(statSync(join(again, 'sparse')).blocks * 512 < size / 10);
});

test('sendTree() notices a source that changes while it is sent, and the target stays as it was', async (t) => {
  const { from, to } = twoDirectories(t);
  const path = join(from, 'file');
  for (const change of [
    () => appendFileSync(path, 'more'),
    () => truncateSync(path, 20_000),
    () => utimesSync(path, 1, 1),
  ]) {
    writeFileSync(path, contentOf(20 * fileChunkBytes, 5));
    writeFileSync(join(to, 'file'), 'old');
    let changed = false;
    const copied = await copyTree(from, to, {
      names: ['file'],
      onSend: ({ kind }) => {
        if (kind.case === 'chunk' && !changed) change();
        changed ||= kind.case === 'chunk';
        return true;
      },
    });
    assert.equal(copied.problems[0]?.error, 'it changed while it was read');
    assert.equal(copied.problems.length, 1, 'both sides count it, one says it');
    assert.ok(copied.done);
    assert.equal(readFileSync(join(to, 'file'), 'utf8'), 'old');
  }
});

test('receiveTree() takes modes and times as asked', async (t) => {
  const { from, to } = twoDirectories(t);
  mkdirSync(join(from, 'dir'));
  writeFileSync(join(from, 'dir', 'small'), 'x');
  writeFileSync(join(from, 'dir', 'big'), contentOf(fileChunkBytes, 1));
  symlinkSync('small', join(from, 'dir', 'link'));
  for (const at of ['small', 'big']) {
    chmodSync(join(from, 'dir', at), 0o6755);
    utimesSync(join(from, 'dir', at), 1_000_000_000.25, 1_000_000_000.25);
  }
  chmodSync(join(from, 'dir'), 0o555);
  utimesSync(join(from, 'dir'), 900_000_000, 900_000_000);
  const modes = (at: string) =>
    ['', 'small', 'big'].map((file) => (statSync(join(to, at, 'dir', file)).mode & 0o7777).toString(8));
  const before = process.umask(0o027);
  t.after(() => process.umask(before));
  for (const [at, options, expected] of [
    ['plain', {}, ['550', '750', '750']],
    ['preserved', { preserve: true }, ['555', '755', '755']],
    ['setid', { preserve: true, setid: true }, ['555', '6755', '6755']],
    ['mode', { mode: 0o640 }, ['750', '640', '640']],
  ] as const) {
    mkdirSync(join(to, at));
    const copied = await copyTree(from, join(to, at), { names: ['dir'], ...options });
    assert.deepEqual(copied.problems, []);
    assert.deepEqual(modes(at), expected, at);
  }
  const preserved = (at: string) => lstatSync(join(to, 'preserved', 'dir', at)).mtimeMs;
  assert.equal(preserved(''), 900_000_000_000);
  assert.equal(preserved('small'), 1_000_000_000_250);
  assert.equal(preserved('big'), 1_000_000_000_250);
  assert.ok(Math.abs(preserved('link') - lstatSync(join(from, 'dir', 'link')).mtimeMs) < 1);
  assert.ok(statSync(join(to, 'plain', 'dir', 'small')).mtimeMs > 1_600_000_000_000);
});

test('receiveTree() gives what it makes to the owner', { skip: !isRoot && 'needs root' }, async (t) => {
  const { from, to } = twoDirectories(t);
  mkdirSync(join(from, 'dir'));
  writeFileSync(join(from, 'dir', 'small'), 'x');
  writeFileSync(join(from, 'dir', 'big'), contentOf(fileChunkBytes, 1));
  symlinkSync('small', join(from, 'dir', 'link'));
  await copyTree(from, to, { names: ['dir'], owner: { uid: 65534, gid: 7 } });
  for (const at of ['', 'small', 'big', 'link']) {
    const { uid, gid } = lstatSync(join(to, 'dir', at));
    assert.deepEqual([uid, gid], [65534, 7], at);
  }
});

test('receiveTree() keeps what it replaces as NAME~ with backup', async (t) => {
  const { from, to } = twoDirectories(t);
  writeFileSync(join(from, 'small'), 'new');
  writeFileSync(join(from, 'big'), contentOf(fileChunkBytes, 1));
  writeFileSync(join(from, 'fresh'), 'new');
  for (const at of ['small', 'big']) {
    writeFileSync(join(to, at), `old ${at}`);
    writeFileSync(join(to, `${at}~`), 'older');
  }
  await copyTree(from, to, { names: ['small', 'big', 'fresh'], backup: true });
  assert.equal(readFileSync(join(to, 'small~'), 'utf8'), 'old small');
  assert.equal(readFileSync(join(to, 'big~'), 'utf8'), 'old big');
  assert.deepEqual(readdirSync(to).sort(), ['big', 'big~', 'fresh', 'small', 'small~']);
});

test('receiveTree() with dryRun says what would be done, and does nothing', async (t) => {
  const { from, to } = twoDirectories(t);
  mkdirSync(join(from, 'dir'));
  writeFileSync(join(from, 'dir', 'small'), 'new');
  for (const at of ['big', 'same', 'other']) writeFileSync(join(from, at), contentOf(2 * fileChunkBytes, 1));
  writeFileSync(join(to, 'same'), contentOf(2 * fileChunkBytes, 1));
  writeFileSync(join(to, 'other'), contentOf(2 * fileChunkBytes, 2));
  const before = describeTree(to);
  const names = ['dir', 'big', 'same', 'other'];
  const { CREATED, REPLACED, UNCHANGED } = FileAction;
  const plain = await copyTree(from, to, { names, dryRun: true });
  assert.deepEqual(actions(plain), {
    dir: CREATED,
    small: CREATED,
    big: CREATED,
    same: REPLACED,
    other: REPLACED,
  });
  const compared = await copyTree(from, to, { names, dryRun: true, checksum: true });
  assert.equal(actions(compared)['same'], UNCHANGED);
  assert.equal(actions(compared)['other'], REPLACED);
  assert.equal(plain.wanted + compared.wanted, 0);
  for (const { received } of [plain, compared]) {
    const last = received.at(-1)?.kind;
    assert.ok(last?.case === 'done');
    assert.equal(last.value.bytes, BigInt(6 * fileChunkBytes + 3));
  }
  assert.deepEqual(describeTree(to), before);
});

test('receiveTree() says of each entry why it cannot be received, and receives the others', async (t) => {
  const { from, to } = twoDirectories(t);
  for (const at of ['a-directory', 'good', 'pipe-there', 'link-there']) writeFileSync(join(from, at), 'x');
  mkdirSync(join(from, 'a-file'));
  writeFileSync(join(from, 'a-file', 'below'), 'x');
  mkdirSync(join(from, 'a-link'));
  mkdirSync(join(to, 'a-directory'));
  writeFileSync(join(to, 'a-file'), 'old');
  mkdirSync(join(to, 'elsewhere'));
  symlinkSync('elsewhere', join(to, 'a-link'));
  symlinkSync('/nowhere', join(to, 'link-there'));
  const names = ['a-directory', 'a-file', 'a-link', 'good', 'link-there', 'missing'];
  const copied = await copyTree(from, to, { names });
  assert.deepEqual(copied.problems.map(({ path, error }) => `${path}: ${error}`).sort(), [
    'a-directory: is a directory there',
    'a-file/below: its directory could not be received',
    'a-file: is no directory there',
    'a-link: is a symbolic link there, and links are not followed',
    'missing: no such file or directory',
  ]);
  assert.equal(readFileSync(join(to, 'good'), 'utf8'), 'x');
  assert.ok(lstatSync(join(to, 'link-there')).isFile(), 'a link is replaced, and not followed');
  assert.ok(copied.done);
});

test('receiveTree() gives a single top entry another name, and no second one', async (t) => {
  const { from, to } = twoDirectories(t);
  writeFileSync(join(from, 'one'), '1');
  writeFileSync(join(from, 'two'), '2');
  const copied = await copyTree(from, to, { names: ['one', 'two'], as: 'renamed' });
  assert.deepEqual(readdirSync(to), ['renamed']);
  assert.equal(copied.problems[0]?.error, 'only one thing can take that name');
});

test('receiveTree() removes parts that nobody came back for in a day', async (t) => {
  const { from, to } = twoDirectories(t);
  writeFileSync(join(from, 'file'), 'x');
  const old = '.drover-0123456789abcdef.00000000-1-1-1.part';
  writeFileSync(join(to, old), 'x');
  utimesSync(join(to, old), 1_000, 1_000);
  writeFileSync(join(to, '.drover-0123456789abcdef.00000000-1-1-2.part'), 'x');
  await copyTree(from, to, { names: ['file'] });
  assert.deepEqual(readdirSync(to).sort(), ['.drover-0123456789abcdef.00000000-1-1-2.part', 'file']);
});

test('receiveTree() believes no chunk that does not have its digest', async (t) => {
  const { from, to } = twoDirectories(t);
  writeFileSync(join(from, 'big'), contentOf(3 * fileChunkBytes, 1));
  writeFileSync(join(from, 'other'), contentOf(fileChunkBytes, 2));
  const copied = await copyTree(from, to, {
    names: ['big', 'other'],
    onSend: ({ kind }) => {
      if (kind.case === 'chunk' && kind.value.ref?.index === 1) kind.value.data[5] = 77;
      return true;
    },
  });
  assert.deepEqual(
    copied.problems.map(({ path, error }) => [path, error]),
    [['big', 'what arrived is not what its digest says']],
  );
  assert.ok(!existsSync(join(to, 'big')));
  assert.ok(existsSync(join(to, 'other')));
});

test('receiveTree() tells its progress twice a second while it changes', async (t) => {
  const { from, to } = twoDirectories(t);
  writeFileSync(join(from, 'big'), contentOf(20 * fileChunkBytes, 1));
  const clock = new FakeClock();
  const copied = await copyTree(from, to, {
    names: ['big'],
    clock,
    onSend: async ({ kind }) => {
      if (kind.case === 'chunk') await clock.advance(100);
      return true;
    },
  });
  const told = copied.received.flatMap(({ kind }) => (kind.case === 'progress' ? [kind.value] : []));
  assert.ok(told.length >= 3 && told.length <= 4, `${told.length}`);
  assert.ok(told.every(({ bytes }, index) => index === 0 || bytes > (told[index - 1]?.bytes ?? 0n)));
});
