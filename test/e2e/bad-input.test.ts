/** Bad input and trouble: one line that says what, to what and why; the documented exit code; nothing half-made. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { after, before, test } from 'node:test';
import { drover, droverPath, startUpCluster, type UpCluster } from '#test/fixture/drover-command.ts';

const directory = mkdtempSync(join(tmpdir(), 'drover-test-'));
let cluster: UpCluster;

before(async () => {
  cluster = await startUpCluster(join(directory, 'data'), 1);
});

after(async () => {
  await cluster?.[Symbol.asyncDispose]();
  rmSync(directory, { recursive: true, force: true });
});

const cases: readonly { args: string[]; code: number; line: RegExp }[] = [
  { args: ['frobnicate'], code: 2, line: /no command "?frobnicate"?/ },
  { args: ['rnu', '-w', 'node1', '--', 'true'], code: 2, line: /run/ },
  { args: ['run', '--', 'true'], code: 2, line: /which nodes/ },
  { args: ['run', '-w', 'node1'], code: 2, line: /command/ },
  { args: ['run', '-w', 'node[1-', '--', 'true'], code: 2, line: /node\[1-/ },
  { args: ['run', '-w', 'node[7-9]', '--', 'true'], code: 6, line: /node\[7-9\]/ },
  { args: ['run', '-w', 'web*', '--', 'true'], code: 6, line: /web\*/ },
  { args: ['run', '-w', 'node1', '--', 'frobnicate'], code: 127, line: /frobnicate.*not found/ },
  { args: ['run', '-w', 'node1', '--', '/etc/passwd'], code: 126, line: /\/etc\/passwd is not executable/ },
  { args: ['run', '-w', 'node1', '--', '/nope/x'], code: 127, line: /\/nope\/x/ },
  {
    args: ['run', '-w', 'node1', '--cwd', '/nope', '--', 'true'],
    code: 5,
    line: /\/nope.*no such file or directory/,
  },
  {
    args: ['run', '-w', 'node1', '--cwd', 'nope', '--', 'true'],
    code: 2,
    line: /nope.*absolute|absolute.*nope/,
  },
  { args: ['run', '-w', 'node1', '--user', 'nobody2', '--', 'true'], code: 7, line: /nobody2/ },
  { args: ['run', '-w', 'node1', '--timeout', 'soon', '--', 'true'], code: 2, line: /soon/ },
  { args: ['run', '-w', 'node1', '--nope', '--', 'true'], code: 2, line: /--nope/ },
  { args: ['run', '-w', 'node1', '-x', 'nodeX', '--', 'true'], code: 6, line: /no such node: nodeX/ },
  {
    args: ['run', '-w', 'node1', '-w', 'node2', '--', 'true'],
    code: 2,
    line: /-w was given twice: join node sets/,
  },
  { args: ['run', '-w', 'node1', '--user', '', '--', 'true'], code: 2, line: /the value of --user is empty/ },
  { args: ['run', '-w', 'node1', '--timeout', '0', '--', 'true'], code: 2, line: /--timeout .*above zero/ },
  { args: ['nodes', ''], code: 2, line: /empty/ },
  { args: ['shutdown', 'extra'], code: 2, line: /"extra" is one too many/ },
  { args: ['shell', 'extra'], code: 2, line: /"extra" is one too many/ },
  { args: ['join-token', 'create', '--ttl', '0s'], code: 2, line: /--ttl .*above zero/ },
  { args: ['logs', 'nosuchtask'], code: 1, line: /nosuchtask/ },
  { args: ['kill'], code: 2, line: /task/ },
  { args: ['kill', '-s', 'SIGNOPE', 'nosuchtask'], code: 2, line: /SIGNOPE/ },
  { args: ['join-token', 'revoke', 'nope'], code: 1, line: /nope/ },
];

for (const { args, code, line } of cases) {
  test(`drover ${args.join(' ')} ends with ${code}`, async () => {
    const result = await cluster.run(...args);
    assert.equal(result.code, code, `${result.stdout}${result.stderr}`);
    assert.match(result.stderr, line);
    assert.doesNotMatch(result.stderr, /\n\s+at /, 'no stack');
  });
}

test('a directory without a cluster says how to start one', async () => {
  const result = await drover(['ps'], { data: join(directory, 'none') });
  assert.equal(result.code, 1);
  assert.match(result.stderr, /^drover: no cluster in .*none.*\n$/);
  assert.equal(existsSync(join(directory, 'none')), false, 'nothing was made');
});

test('a request too large is one line', async () => {
  const file = join(directory, 'large.env');
  writeFileSync(file, `A=${'x'.repeat(2 << 20)}\n`);
  const result = await cluster.run('run', '-w', 'node1', '--env-file', file, '--', 'true');
  assert.equal(result.code, 1);
  assert.match(result.stderr, /^drover: the request is larger than 1\.0 MiB: .*\n$/);
});

test('a run whose reader goes away is stopped, and says so', async () => {
  const script =
    'set -o pipefail; "$0" run -w node1 -- sh -c "while :; do echo flood; done" | head -1; echo $?';
  const child = spawn('bash', ['-c', script, droverPath], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, DROVER_DATA: cluster.data },
  });
  const [stdout, stderr] = await Promise.all([text(child.stdout), text(child.stderr)]);
  assert.equal(stdout, 'node1: flood\n141\n');
  assert.match(stderr, /^drover: the reader of the output went away\ndrover: stopping/);
  assert.match(stderr, /1 stopped by operator \(SIGTERM\)/);
  assert.equal((await cluster.run('ps', '-o', 'name')).stdout, '');
});

for (const [what, path] of [
  ['a file', join(directory, 'file')],
  ['nowhere that can be made', '/proc/drover/data'],
] as const) {
  test(`a data directory that is ${what} stops up with one line`, async () => {
    writeFileSync(join(directory, 'file'), '');
    const result = await drover(['up', '--no-shell'], { data: path });
    assert.equal(result.code, 1);
    assert.match(
      result.stderr,
      /^drover: .*(is a file, not a directory|cannot make the directory \/proc\/drover).*\n$/,
    );
  });
}

test('a port in use stops up with one line, and leaves nothing running', async () => {
  const access = JSON.parse(readFileSync(join(cluster.data, 'controller', 'access.json'), 'utf8'));
  const taken = new URL(access.address).host;
  const data = join(directory, 'second');
  const result = await drover(['up', '--no-shell', '--listen', taken, '--agent-listen', '127.0.0.1:0'], {
    data,
  });
  assert.equal(result.code, 1);
  assert.match(result.stderr, new RegExp(`${taken}.*address already in use`));
});
