/** Bad input and trouble: one line that says what, to what and why; the documented exit code; nothing half-made. */
import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { drover, startUpCluster, type UpCluster } from '#test/fixture/drover-command.ts';

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
  { args: ['run', '-w', 'node1', '--user', 'nobody2', '--', 'true'], code: 5, line: /nobody2/ },
  { args: ['run', '-w', 'node1', '--timeout', 'soon', '--', 'true'], code: 2, line: /soon/ },
  { args: ['run', '-w', 'node1', '--nope', '--', 'true'], code: 2, line: /--nope/ },
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
