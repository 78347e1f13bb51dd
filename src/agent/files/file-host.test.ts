import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import {
  existsSync,
  linkSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  statSync,
  symlinkSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { RefusedOrderError } from '#agent/workload.ts';
import { FileKind } from '#protocol/gen/drover/v1/file_pb.ts';
import { FileNode } from '#test/fixture/file-node.ts';
import { temporaryDirectory } from '#test/fixture/temporary-directory.ts';

const rootOnly = '{read: [ROOT], write: [ROOT]}';
const everything = '{read: [/], write: [/], owners: true, setid: true}';
const isRoot = process.getuid?.() === 0;

/** The refusal of a whole order. */
async function refusal(work: Promise<unknown>): Promise<{ message: string; denied: boolean }> {
  const error = await work.then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  assert.ok(error instanceof RefusedOrderError, `${error}`);
  return error;
}

test('FileHost keeps to the workspace where the policy says nothing, and relative paths begin there', async (t) => {
  const node = FileNode.make(t);
  writeFileSync(join(node.workspace, 'here'), 'text');
  const { text } = await node.ask({ case: 'read', value: { path: 'here' } });
  assert.equal(text, 'text');
  const absolute = await node.ask({ case: 'read', value: { path: join(node.workspace, 'here') } });
  assert.equal(absolute.text, 'text');
  const { message, denied } = await refusal(node.ask({ case: 'read', value: { path: '/etc/passwd' } }));
  assert.equal(message, '/etc/passwd: the policy of this node allows no file there to be read');
  assert.ok(denied);
  const up = await refusal(node.ask({ case: 'read', value: { path: '../secret' } }));
  assert.equal(up.message, '../secret: has ".." in it');
});

test('FileHost logs each decision with the operator and the paths', async (t) => {
  const node = FileNode.make(t);
  await node.ask({ case: 'list', value: { paths: ['.', '/etc'] } });
  await refusal(node.ask({ case: 'remove', value: { paths: ['/etc'] } }));
  await node.ask({ case: 'makeDirectories', value: { paths: ['new'] } });
  assert.equal(await node.log.lines.next(), 'files: denied by the policy');
  assert.equal(await node.log.lines.next(), 'files: denied by the policy');
  assert.equal(await node.log.lines.next(), 'files: allowed by the policy');
});

test('FileHost logs what is refused where the paths lead, and how often where that is often', async (t) => {
  const node = FileNode.make(t, everything);
  const refused = () =>
    node.log.records.splice(0).flatMap(({ msg, order, path, reason, refusals }) => {
      return msg === 'files: refused' ? [[order, path, reason, refusals]] : [];
    });
  const aRoot = "is, or holds, a root of the node's policy";
  await node.ask({
    case: 'remove',
    value: { paths: ['/', join(node.root, 'no'), node.state], recursive: true },
  });
  assert.deepEqual(refused(), [
    ['remove', '/', aRoot, undefined],
    ['remove', node.state, aRoot, undefined],
  ]);
  await node.ask({ case: 'read', value: { path: node.policyFile } });
  assert.deepEqual(refused(), [['read', node.policyFile, "is the node's policy", undefined]]);
  const from = temporaryDirectory(t);
  writeFileSync(join(from, 'secret'), 'mine');
  await refusal(node.put(from, ['secret'], { destination: node.state }));
  const into = `${node.state}: is the agent's own state`;
  assert.deepEqual(refused(), [['put', undefined, into, undefined]]);
  await node.ask({ case: 'remove', value: { paths: Array(25).fill('/') } });
  assert.deepEqual(refused().slice(19), [
    ['remove', '/', aRoot, undefined],
    ['remove', undefined, undefined, 25],
  ]);
});

test('FileHost does nothing without a policy, or with one that is broken', async (t) => {
  const node = FileNode.make(t);
  writeFileSync(node.policyFile, 'nonsense');
  const { message, denied } = await refusal(node.ask({ case: 'list', value: {} }));
  assert.match(message, /^policy .*policy\.yaml: line 1:/);
  assert.ok(denied);
});

test('FileHost tells of one path that the policy forbids as a problem among others', async (t) => {
  const node = FileNode.make(t, '{read: [ROOT], write: []}');
  writeFileSync(join(node.root, 'a'), '');
  const listed = await node.ask({
    case: 'list',
    value: { paths: [join(node.root, 'a'), '/etc', '/a/../b'] },
  });
  assert.deepEqual(
    listed.problems.map(({ path, denied }) => [path, denied]),
    [
      ['/etc', true],
      ['/a/../b', false],
    ],
  );
  assert.equal(listed.done, 1n);
  const denied = await refusal(node.ask({ case: 'remove', value: { paths: [join(node.root, 'a')] } }));
  assert.ok(denied.denied, 'readable is not writable');
});

test('FileHost follows no link, and names the one in the way', async (t) => {
  const node = FileNode.make(t, rootOnly);
  mkdirSync(join(node.directory, 'outside'));
  writeFileSync(join(node.directory, 'outside', 'file'), 'outside');
  symlinkSync(join(node.directory, 'outside'), join(node.root, 'way'));
  const through = join(node.root, 'way', 'file');
  const read = await node.ask({ case: 'read', value: { path: through } });
  assert.match(
    read.problems[0]?.error ?? '',
    /root\/way: is a symbolic link to ".*outside", and links are not followed$/,
  );
  await node.ask({ case: 'remove', value: { paths: [through], recursive: true, force: true } });
  await node.ask({
    case: 'makeDirectories',
    value: { paths: [join(node.root, 'way', 'a', 'b')], parents: true },
  });
  const from = temporaryDirectory(t);
  writeFileSync(join(from, 'file'), 'new');
  for (const destination of [through, join(node.root, 'way')]) {
    const { message } = await refusal(node.put(from, ['file'], { destination }));
    assert.match(message, /is a symbolic link to/);
  }
  assert.deepEqual(readdirSync(join(node.directory, 'outside')), ['file']);
  assert.equal(readFileSync(join(node.directory, 'outside', 'file'), 'utf8'), 'outside');
  await node.ask({ case: 'remove', value: { paths: [join(node.root, 'way')], recursive: true } });
  assert.deepEqual(readdirSync(node.root), [], 'a link is removed as what it is');
  assert.ok(existsSync(join(node.directory, 'outside', 'file')));
});

test('FileHost never opens, replaces, moves or removes its own state and policy, whatever the roots and the way', async (t) => {
  const node = FileNode.make(t, everything);
  const before = readFileSync(node.policyFile, 'utf8');
  linkSync(node.policyFile, join(node.root, 'another-name'));
  const secret = join(node.state, 'secret');
  for (const path of [secret, node.policyFile, join(node.root, 'another-name')]) {
    const { problems, text } = await node.ask({ case: 'read', value: { path } });
    assert.match(problems[0]?.error ?? '', /is (the agent's own state|the node's policy)/, path);
    assert.ok(problems[0]?.denied);
    assert.equal(text, '');
  }
  const from = temporaryDirectory(t);
  writeFileSync(join(from, 'policy.yaml'), 'mine');
  writeFileSync(join(from, 'secret'), 'mine');
  const put = await node.put(from, ['policy.yaml'], { destination: join(node.directory, 'etc') });
  assert.ok(put.some((kind) => kind.case === 'problem' && kind.value.denied));
  assert.ok((await refusal(node.put(from, ['secret'], { destination: node.state }))).denied);
  for (const [path, to] of [
    [node.policyFile, join(node.root, 'p')],
    [join(node.directory, 'etc'), join(node.root, 'p')],
    [node.state, join(node.root, 'p')],
    [node.directory, '/tmp/elsewhere'],
    [join(node.root, 'file'), node.policyFile],
  ] as const) {
    writeFileSync(join(node.root, 'file'), 'x');
    const moved = await node.ask({ case: 'move', value: { from: path, to, force: true } });
    assert.ok(moved.problems[0]?.denied, `${path}: ${moved.problems[0]?.error}`);
  }
  const paths = [node.policyFile, node.state, join(node.directory, 'etc')];
  const removed = await node.ask({ case: 'remove', value: { paths, recursive: true, force: true } });
  assert.ok(removed.problems.length >= 3);
  assert.equal(readFileSync(node.policyFile, 'utf8'), before);
  assert.equal(readFileSync(secret, 'utf8'), 'key');
  const listed = await node.ask({ case: 'list', value: { paths: [node.state], contents: true } });
  assert.ok(listed.problems[0]?.denied);
  const workspace = await node.ask({ case: 'list', value: { paths: [node.workspace], contents: true } });
  assert.deepEqual(workspace.problems, [], 'the workspace is for operators');
});

test('FileHost does not let a policy be made where there is none', async (t) => {
  const node = FileNode.make(t, everything);
  await node.ask({ case: 'list', value: {} });
  rmSync(node.policyFile);
  const from = temporaryDirectory(t);
  writeFileSync(join(from, 'policy.yaml'), 'mine');
  const put = await node.put(from, ['policy.yaml'], { destination: join(node.directory, 'etc') });
  assert.ok(put.some((kind) => kind.case === 'problem' && kind.value.denied));
  assert.deepEqual(readdirSync(join(node.directory, 'etc')), []);
});

test('FileHost puts a tree where PutFiles says, and gets it back', async (t) => {
  const node = FileNode.make(t, rootOnly);
  const [from, back] = [temporaryDirectory(t), temporaryDirectory(t)];
  mkdirSync(join(from, 'tree', 'sub'), { recursive: true });
  writeFileSync(join(from, 'tree', 'small'), 'small');
  writeFileSync(join(from, 'tree', 'sub', 'large'), Buffer.alloc(1_500_000, 9));
  await node.put(from, ['tree'], { destination: join(node.root, 'renamed') });
  await node.put(from, ['tree'], { destination: join(node.root, 'renamed') });
  assert.deepEqual(readdirSync(join(node.root, 'renamed')).sort(), ['small', 'sub', 'tree']);
  const missing = await refusal(node.put(from, ['tree'], { destination: join(node.root, 'no', 'where') }));
  assert.match(missing.message, /no\/where: .*root\/no: no such file or directory$/);
  const into = await refusal(
    node.put(from, ['tree'], { destination: join(node.root, 'new'), intoDirectory: true }),
  );
  assert.match(into.message, /new: no such file or directory$/);
  const paths = [join(node.root, 'renamed', 'tree'), '/etc/passwd', join(node.root, 'missing')];
  const { problems } = await node.get(back, { paths, recursive: true });
  assert.deepEqual(
    problems.map(({ path, denied }) => [path.split('/').at(-1), denied]),
    [
      ['passwd', true],
      ['missing', false],
    ],
  );
  assert.deepEqual(readFileSync(join(back, 'tree', 'sub', 'large')), Buffer.alloc(1_500_000, 9));
  const flat = await node.get(back, { paths: [join(node.root, 'renamed')] });
  assert.equal(flat.problems[0]?.error, 'is a directory, and the copy is not recursive (-r)');
});

test('FileHost sets owners and set-uid only where the policy lets it', async (t) => {
  const node = FileNode.make(t, rootOnly);
  const from = temporaryDirectory(t);
  writeFileSync(join(from, 'file'), 'x', { mode: 0o644 });
  const destination = node.root;
  for (const value of [
    { destination, owner: 'root' },
    { destination, mode: 0o4755 },
  ]) {
    assert.ok((await refusal(node.put(from, ['file'], value))).denied);
  }
  const open = FileNode.make(t, everything);
  await open.put(from, ['file'], { destination: open.root, mode: 0o4755 });
  assert.equal(statSync(join(open.root, 'file')).mode & 0o7777, 0o4755);
  const nobody = await refusal(open.put(from, ['file'], { destination: open.root, owner: 'no-such-user' }));
  assert.equal(nobody.message, 'there is no user "no-such-user" on this node');
  if (!isRoot) return;
  await open.put(from, ['file'], { destination: open.root, owner: 'nobody:1' });
  assert.equal(statSync(join(open.root, 'file')).gid, 1);
});

test('FileHost lists what is there, in the order of names, with owners, links and digests', async (t) => {
  const node = FileNode.make(t, rootOnly);
  mkdirSync(join(node.root, 'b', 'c'), { recursive: true });
  writeFileSync(join(node.root, 'b', 'c', 'deep'), 'deep');
  writeFileSync(join(node.root, 'a'), 'abc');
  symlinkSync('a', join(node.root, 'link'));
  const list = async (value: object) => {
    const listed = await node.ask({ case: 'list', value: { paths: [node.root], ...value } });
    return listed.entries.map(({ path }) => path.slice(node.root.length));
  };
  assert.deepEqual(await list({}), ['']);
  assert.deepEqual(await list({ contents: true }), ['/a', '/b', '/link']);
  assert.deepEqual(await list({ contents: true, recursive: true }), [
    '/a',
    '/b',
    '/b/c',
    '/b/c/deep',
    '/link',
  ]);
  assert.deepEqual(await list({ recursive: true }), ['', '/a', '/b', '/b/c', '/b/c/deep', '/link']);
  const path = join(node.root, 'a');
  const { entries, done } = await node.ask({ case: 'list', value: { paths: [path], sha256: true } });
  const [entry] = entries;
  assert.equal(done, 1n);
  assert.equal(entry?.kind, FileKind.REGULAR);
  assert.equal(entry?.size, 3n);
  assert.equal(entry?.uid, process.getuid?.());
  if (isRoot) assert.deepEqual([entry?.user, entry?.group], ['root', 'root']);
  assert.equal(
    Buffer.from(entry?.sha256 ?? []).toString('hex'),
    'ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad',
  );
  const link = await node.ask({ case: 'list', value: { paths: [join(node.root, 'link')] } });
  assert.equal(link.entries[0]?.linkTarget, 'a');
});

test('FileHost lists the workspace by paths that can be asked for', async (t) => {
  const node = FileNode.make(t);
  mkdirSync(join(node.workspace, 'dir'));
  writeFileSync(join(node.workspace, 'dir', 'file'), 'x');
  const { entries } = await node.ask({ case: 'list', value: { contents: true, recursive: true } });
  assert.deepEqual(
    entries.map(({ path }) => path),
    ['dir', 'dir/file'],
  );
});

test('FileHost makes directories, and those above where it may', async (t) => {
  const node = FileNode.make(t, rootOnly);
  const deep = join(node.root, 'x', 'y', 'z');
  const alone = await node.ask({ case: 'makeDirectories', value: { paths: [deep] } });
  assert.match(alone.problems[0]?.error ?? '', /root\/x: no such file or directory$/);
  const made = await node.ask({
    case: 'makeDirectories',
    value: { paths: [deep], parents: true, mode: 0o2750 },
  });
  assert.equal(made.done, 3n);
  const above = [join(node.root, 'x'), join(node.root, 'x', 'y')];
  assert.deepEqual(
    made.entries.map(({ path }) => path),
    [...above, deep],
  );
  assert.equal(statSync(deep).mode & 0o7777, 0o2750);
  const again = await node.ask({ case: 'makeDirectories', value: { paths: [deep], parents: true } });
  assert.deepEqual([again.problems.length, again.done], [0, 0n]);
  const there = await node.ask({ case: 'makeDirectories', value: { paths: [deep] } });
  assert.equal(there.problems[0]?.error, 'is there already');
});

test('FileHost tells of every directory that it makes of several, also where another cannot be made', async (t) => {
  const node = FileNode.make(t, rootOnly);
  writeFileSync(join(node.root, 'file'), '');
  const at = (name: string) => join(node.root, name);
  const paths = ['a/b', 'file/c', '/etc/d', 'a/e', 'f'].map((path) =>
    path.startsWith('/') ? path : at(path),
  );
  const made = await node.ask({ case: 'makeDirectories', value: { paths, parents: true } });
  assert.deepEqual(
    made.entries.map(({ path }) => path),
    ['a', 'a/b', 'a/e', 'f'].map(at),
  );
  assert.deepEqual(
    made.problems.map(({ path, denied }) => [path, denied]),
    [
      [at('file/c'), false],
      ['/etc/d', true],
    ],
  );
  assert.equal(made.done, 4n);
});

test('FileHost moves within a file system, into a directory, and over what is there only with force', async (t) => {
  const node = FileNode.make(t, rootOnly);
  const at = (name: string) => join(node.root, name);
  const move = async (from: string, to: string, force = false) => {
    const { problems } = await node.ask({ case: 'move', value: { from: at(from), to: at(to), force } });
    return problems[0]?.error;
  };
  writeFileSync(at('a'), 'a');
  writeFileSync(at('b'), 'b');
  mkdirSync(at('dir'));
  assert.equal(await move('a', 'b'), `${at('b')} is there already`);
  symlinkSync('nowhere', at('link'));
  assert.equal(await move('link', 'moved'), undefined);
  assert.equal(readlinkSync(at('moved')), 'nowhere');
  assert.equal(await move('a', 'moved'), `${at('moved')} is there already`);
  assert.equal(await move('moved', 'dir/link'), undefined);
  assert.deepEqual(readdirSync(node.root).sort(), ['a', 'b', 'dir']);
  unlinkSync(at('dir/link'));
  assert.equal(await move('a', 'b', true), undefined);
  assert.equal(readFileSync(at('b'), 'utf8'), 'a');
  assert.equal(await move('b', 'dir'), undefined);
  assert.deepEqual(readdirSync(at('dir')), ['b']);
  assert.equal(await move('dir', 'dir'), 'cannot be moved into itself');
  assert.equal(await move('missing', 'x'), 'no such file or directory');
  const root = await node.ask({ case: 'move', value: { from: node.root, to: at('x') } });
  assert.equal(root.problems[0]?.error, "is, or holds, a root of the node's policy");
});

test('FileHost removes trees, but no root, and no directory that was not asked for with what is in it', async (t) => {
  const node = FileNode.make(t, '{read: [ROOT], write: [ROOT, ROOT/keep/inner]}');
  const at = (name: string) => join(node.root, name);
  mkdirSync(at('tree/sub'), { recursive: true });
  for (let i = 0; i < 100; i += 1) writeFileSync(at(`tree/sub/f${i}`), '');
  symlinkSync(node.directory, at('tree/link'));
  mkdirSync(at('keep/inner'), { recursive: true });
  const remove = (paths: string[], more: object = {}) =>
    node.ask({ case: 'remove', value: { paths, ...more } });
  assert.equal((await remove([at('tree')])).problems[0]?.error, 'is a directory');
  const { done, problems } = await remove([at('tree')], { recursive: true });
  assert.deepEqual([done, problems.length], [103n, 0]);
  assert.equal((await remove([at('tree')])).problems[0]?.error, 'no such file or directory');
  assert.deepEqual((await remove([at('tree'), at('no/where')], { force: true })).problems, []);
  for (const path of [node.root, at('keep'), at('keep/inner')]) {
    const refused = await remove([path], { recursive: true, force: true });
    assert.equal(refused.problems[0]?.error, "is, or holds, a root of the node's policy", path);
  }
  assert.ok(existsSync(at('keep/inner')));
  const all = FileNode.make(t, everything);
  // Not recursive: should this ever be let through, nothing comes of it.
  const slash = await all.ask({ case: 'remove', value: { paths: ['/'] } });
  assert.equal(slash.problems[0]?.error, "is, or holds, a root of the node's policy");
});

test('FileHost opens neither pipes nor devices', async (t) => {
  const node = FileNode.make(t, everything);
  const { problems } = await node.ask({ case: 'read', value: { path: '/dev/null' } });
  assert.equal(problems[0]?.error, 'is a device');
  const from = temporaryDirectory(t);
  writeFileSync(join(from, 'null'), 'x');
  const pipe = join(node.root, 'null');
  execFileSync('mkfifo', [pipe]);
  const read = await node.ask({ case: 'read', value: { path: pipe } });
  assert.equal(read.problems[0]?.error, 'is a pipe');
  const put = await node.put(from, ['null'], { destination: node.root });
  const [problem] = put.filter((kind) => kind.case === 'problem');
  assert.equal(problem?.value.error, 'is a pipe there');
  assert.ok(statSync(pipe).isFIFO());
});
