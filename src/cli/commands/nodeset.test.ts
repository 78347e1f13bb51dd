/** `nodeset`: what it prints and exits with, and that it asks a cluster only where it must. */
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { callCommand } from '#cli/call-command.ts';
import { readHostFile } from '#cli/read-host-file.ts';
import { startFakeApi } from '#cli/testing/fake-api.ts';
import { createTestContext } from '#cli/testing/test-context.ts';
import { NodeService } from '#protocol/gen/drover/v1/api_pb.ts';
import { drover } from '#test/fixture/drover-command.ts';
import { temporaryDirectory } from '#test/fixture/temporary-directory.ts';

/** Without a cluster: asking one would fail. */
async function offline(...words: string[]) {
  using made = createTestContext();
  const code = await callCommand(made.context, ['nodeset', ...words]);
  return { code, stdout: made.printed.stdout(), stderr: made.printed.stderr() };
}

const answers: [words: string[], stdout: string][] = [
  [['-e', 'web[1-3]!web2'], 'web1\nweb3\n'],
  [['-f', 'web1', 'web2', 'web3', 'db1'], 'db1,web[1-3]\n'],
  [['-f', 'web[01-10]', '-x', 'web05'], 'web[01-04,06-10]\n'],
  [['-c', 'dc[1-2]n[1-9]', 'dc1n1'], '18\n'],
  [['-c', 'n[0-6/2]^n[2-8/2]'], '2\n'],
  [['-f', '--pick', '9', 'n[1-3]'], 'n[1-3]\n'],
  [['-c', '--pick', '2', 'n[1-100]'], '2\n'],
];

for (const [words, stdout] of answers) {
  test(`nodeset ${words.join(' ')}`, async () => {
    assert.deepEqual(await offline(...words), { code: 0, stdout, stderr: '' });
  });
}

const refusals: [words: string[], code: number, stderr: RegExp][] = [
  [[], 2, /^drover nodeset: give one of -e \(expand\), -f \(fold\) and -c \(count\)\n$/],
  [['-ef', 'a'], 2, /give one of -e/],
  [['-e'], 2, /^drover nodeset: which nodes\? give sets, --hostfile FILE, -l EXPR, or all with -a\n$/],
  [['-e', 'a['], 2, /^drover: node set "a\[" ends inside brackets at character 3\n$/],
  [
    ['-e', 'a', '-l', 'b in'],
    2,
    /^drover: label selector "b in" ends where \( is expected at character 5\n$/,
  ],
  [['-e', 'a', '--pick', '0'], 2, /--pick takes a number from 1 on, not "0"/],
  [['-e', '--hostfile', '/nope'], 2, /^drover: --hostfile: cannot read \/nope: no such file or directory\n$/],
  [['-e', '--hostfile', '/'], 2, /^drover: --hostfile: cannot read \/: is a directory\n$/],
  [['-e', 'a!a'], 6, /^drover nodeset: nothing is left\n$/],
];

for (const [words, code, stderr] of refusals) {
  test(`nodeset ${words.join(' ')} exits with ${code}`, async () => {
    const result = await offline(...words);
    assert.equal(result.code, code);
    assert.match(result.stderr, stderr);
    assert.equal(result.stdout, '');
  });
}

test('nodeset -c of nothing prints 0, and exits with 6', async () => {
  const { code, stdout } = await offline('-c', 'a!a');
  assert.deepEqual([code, stdout], [6, '0\n']);
});

test('nodeset --hostfile reads sets from a file, beside the words', async (t) => {
  const file = join(temporaryDirectory(t), 'hosts');
  writeFileSync(file, '# ours\nweb1\nweb[2-3] # two\n\n');
  assert.equal((await offline('-f', '--hostfile', file, 'db1')).stdout, 'db1,web[1-3]\n');
  writeFileSync(file, 'web1\nweb 2\n');
  const { code, stderr } = await offline('-f', '--hostfile', file);
  assert.equal(code, 2);
  assert.equal(
    stderr,
    `drover: ${file}, line 2: node set "web 2" has "2" where an operator (, ! & ^) is expected at character 5\n`,
  );
  writeFileSync(file, '# nothing\n');
  assert.match((await offline('-f', '-l', 'role', '--hostfile', file)).stderr, /there is no node in/);
});

test('nodeset --hostfile - reads standard input', async (t) => {
  const data = temporaryDirectory(t);
  const args = ['nodeset', '-f', '--hostfile', '-'];
  const { code, stdout } = await drover(args, { data, input: 'web2\nweb1 # the first\n' });
  assert.deepEqual([code, stdout], [0, 'web[1-2]\n']);
  const { stderr } = await drover(args, { data, input: 'web1\nweb[\n' });
  assert.match(stderr, /^drover: standard input, line 2: node set "web\[" ends inside brackets/);
});

test('readHostFile() waits no longer than it is wanted', async () => {
  await assert.rejects(readHostFile('-', AbortSignal.abort()), { name: 'AbortError' });
});

const online: [words: string[], code: number, stdout: string][] = [
  [['-f', '-a'], 0, 'db1,web[1-3]\n'],
  [['-f', '@role=web', 'x1'], 0, 'web[1-3],x1\n'],
  [['-f', 'web*', '-x', '@spot'], 0, 'web[1,3]\n'],
  [['-f', '-l', 'role=web,!spot'], 0, 'web[1,3]\n'],
  [['-f', '-l', 'role!=web'], 0, 'db1\n'],
  [['-f', 'web[1-9],x', '-l', 'role'], 0, 'web[1-3]\n'],
  [['-c', 'nope*'], 6, '0\n'],
];

const nodes: { name: string; labels: Record<string, string> }[] = [
  { name: 'web1', labels: { role: 'web' } },
  { name: 'web2', labels: { role: 'web', spot: '' } },
  { name: 'web3', labels: { role: 'web' } },
  { name: 'db1', labels: { role: 'db' } },
];

test('nodeset asks the cluster about globs, labels and all', async (t) => {
  await using api = await startFakeApi((router) => {
    router.service(NodeService, {
      listNodes: () => ({ nodes }),
    });
  });
  for (const [words, code, stdout] of online) {
    await t.test(`nodeset ${words.join(' ')}`, async () => {
      using made = createTestContext({ access: api.access });
      assert.equal(await callCommand(made.context, ['nodeset', ...words]), code);
      assert.equal(made.printed.stdout(), stdout);
    });
  }
});
