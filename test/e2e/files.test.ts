/** Files over the real `drover`: what people and scripts see of copies, listings and removals, with the exit codes. */
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { after, before, test } from 'node:test';
import { drover, startDrover, startUpCluster, type UpCluster } from '#test/fixture/drover-command.ts';
import { until } from '#test/fixture/until.ts';

const directory = mkdtempSync(join(tmpdir(), 'drover-files-'));
const here = (...names: string[]) => join(directory, 'here', ...names);
const there = (node: string, ...names: string[]) =>
  join(directory, 'data', 'nodes', node, 'workspace', ...names);
let cluster: UpCluster;

before(async () => {
  mkdirSync(here('app', 'lib'), { recursive: true });
  writeFileSync(here('app', 'lib', 'small'), 'small\n');
  writeFileSync(here('app', 'big'), randomBytes(2_000_000));
  writeFileSync(here('conf'), 'one\ntwo\nthree\n');
  cluster = await startUpCluster(join(directory, 'data'), 2);
});

after(async () => {
  await cluster?.[Symbol.asyncDispose]();
  rmSync(directory, { recursive: true, force: true });
});

interface Case {
  readonly words: readonly string[];
  readonly code?: number;
  readonly stdout?: RegExp;
  readonly stderr?: RegExp;
}

/** One after the other, on the same nodes. */
const cases: readonly Case[] = [
  {
    words: ['cp', '-rT', here('app'), '@all:app'],
    stderr: /^copied to 2 nodes · 4 entries, 1\.9 MiB each\n$/,
  },
  { words: ['cp', '-rT', here('app'), '@all:app'], stderr: /^copied to 2 nodes/ },
  { words: ['cp', '-r', '--checksum', here('app'), '@all:'], stderr: /, 8 unchanged in all\n$/ },
  { words: ['cp', here('conf'), '@all:app/conf'], stderr: /^copied to 2 nodes · 1 entry, 14 B each\n$/ },
  {
    words: ['file', 'ls', '-R', '-b', '@all:app'],
    stdout: /^── node\[1-2\] \(2\).*\napp\/big\napp\/conf\napp\/lib\/\napp\/lib\/small\n$/,
  },
  { words: ['file', 'cat', 'node1:app/conf'], stdout: /^one\ntwo\nthree\n$/ },
  { words: ['file', 'head', '-n', '1', 'node1:app/conf'], stdout: /^one\n$/ },
  { words: ['file', 'tail', '-n', '1', 'node1:app/conf'], stdout: /^three\n$/ },
  { words: ['file', 'stat', 'node1:app/lib/small'], stdout: /\n {2}size {6}6 bytes/ },
  { words: ['file', 'mkdir', '-p', '@all:made/deep', 'made/too'], stderr: /^made on 2 nodes\n$/ },
  { words: ['file', 'mv', '@all:app/conf', 'made'], stderr: /^moved on 2 nodes\n$/ },
  {
    words: ['cp', '-r', '@all:made', here('from')],
    stderr: /^copied from 2 nodes · 4 entries, 14 B each\n$/,
  },
  { words: ['rm', 'node1:made/conf'], stderr: /^removed on 1 node\n$/ },
  {
    words: ['rm', '@all:made/conf'],
    code: 5,
    stderr: /^drover: node1: made\/conf: no such file or directory\nremoved on 1 node · 1 failed\n$/,
  },
  { words: ['rm', '@all:made'], code: 5, stderr: /node\[1-2\]: made: is a directory\n2 failed\n$/ },
  {
    words: ['rm', '-r', '@all:.'],
    code: 7,
    stderr: /is, or holds, a root of the node's policy\n2 denied\n$/,
  },
  {
    words: ['rm', 'node1:'],
    code: 2,
    stderr: /^drover: a path is empty, which is the node's workspace itself\n$/,
  },
  { words: ['rm', 'node9:made'], code: 6, stderr: /^drover: no such node: node9\n$/ },
  { words: ['file', 'cat', 'node1:'], code: 2, stderr: /which file\?/ },
  {
    words: ['file', 'mv', 'node1:app', 'made/too/no/app'],
    code: 5,
    stderr: /no such file or directory\n1 failed\n$/,
  },
  {
    words: ['cp', here('none'), '@all:'],
    code: 1,
    stderr: /^drover: cannot read .*none: no such file or directory\n$/,
  },
  {
    words: ['cp', here('app'), '@all:x'],
    code: 5,
    stderr: /^drover: app: is a directory, and the copy is not recursive \(-r\)\n2 failed\n$/,
  },
  { words: ['rm', '-r', '@all:made', 'app'], stderr: /^removed on 2 nodes\n$/ },
  { words: ['file', 'ls', '@all:'], stdout: /^$/ },
];

test('the commands about files say in one line how it went, and exit as they document', async () => {
  for (const { words, code = 0, stdout = /^/, stderr = /^/ } of cases) {
    const result = await cluster.run(...words);
    const said = `drover ${words.join(' ')}: ${JSON.stringify(result)}`;
    assert.equal(result.code, code, said);
    assert.match(result.stdout, stdout, said);
    assert.match(result.stderr, stderr, said);
  }
  assert.equal(readFileSync(here('from', 'node2', 'made', 'conf'), 'utf8'), 'one\ntwo\nthree\n');
});

test('cp takes standard input, and gives a file to standard output', async () => {
  const put = await drover(['cp', '-', '@all:piped'], { data: cluster.data, input: 'through a pipe' });
  assert.equal(put.code, 0, put.stderr);
  assert.equal(statSync(there('node2', 'piped')).mode & 0o777, 0o644);
  const got = await cluster.run('cp', 'node2:piped', '-');
  assert.deepEqual([got.code, got.stdout], [0, 'through a pipe']);
});

test('Ctrl-C in the middle of a copy leaves the old file, and the same command goes on', async () => {
  const parts = () => readdirSync(there('node1')).filter((name) => name.startsWith('.drover-'));
  writeFileSync(here('large'), 'old');
  assert.equal((await cluster.run('cp', here('large'), '@all:large')).code, 0);
  const content = randomBytes(30_000_000);
  writeFileSync(here('large'), content);
  const words = ['cp', '--bwlimit', '10m', here('large'), '@all:large'];
  const child = startDrover(words, { data: cluster.data });
  assert.ok(child.stderr);
  const said = text(child.stderr);
  const closed = once(child, 'close');
  await until('some of it has come', () => parts().some((name) => statSync(there('node1', name)).size > 0));
  child.kill('SIGINT');
  assert.deepEqual(await closed, [130, null]);
  assert.equal(await said, 'interrupted: nothing is half there, and the same copy goes on where it was\n');
  for (const node of ['node1', 'node2']) assert.equal(readFileSync(there(node, 'large'), 'utf8'), 'old');
  await until('nothing is under way', () => parts().every((name) => name.endsWith('.part')));
  const again = await cluster.run('cp', here('large'), '@all:large');
  assert.equal(again.code, 0, again.stderr);
  for (const node of ['node1', 'node2']) assert.ok(readFileSync(there(node, 'large')).equals(content));
  assert.deepEqual(parts(), []);
  assert.equal(existsSync(there('node1', 'large~')), false);
});
