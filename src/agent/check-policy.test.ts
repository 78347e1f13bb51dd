import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { chmodSync, writeFileSync } from 'node:fs';
import { userInfo } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { programCommand } from '#base/installation.ts';
import { temporaryDirectory } from '#test/fixture/temporary-directory.ts';

const policy = `version: 1
commands: [/usr/bin/true, [/bin/echo, { int: [1, 9] }]]
namedCommands:
  say: { argv: [/bin/echo, { parameter: what }], parameters: { what: { oneOf: [yes-sir] } } }
users: [${userInfo().username}]
signals: [SIGTERM]
shell: false
environment: [TZ]
files: { read: [/var/log], write: [workspace] }
`;

interface Checked {
  readonly code: number;
  readonly lines: readonly string[];
  readonly stderr: string;
}

/** Checks `text` as the program does. */
function check(t: TestContext, text: string, ...args: string[]): Promise<Checked> {
  const path = join(temporaryDirectory(t), 'policy.yaml');
  writeFileSync(path, text);
  chmodSync(path, 0o600);
  const { file, args: words } = programCommand('agent', ['check-policy', path, ...args]);
  return new Promise((resolve) => {
    const child = execFile(file, words, (_error, stdout, stderr) => {
      resolve({ code: child.exitCode ?? -1, lines: stdout.trimEnd().split('\n'), stderr });
    });
  });
}

test('drover agent check-policy says that a policy is good, or what is wrong with it', async (t) => {
  const good = await check(t, policy);
  assert.equal(good.code, 0);
  assert.match(good.lines.join('\n'), /^good: policy \S+policy\.yaml \([0-9a-f]{12}\)$/m);
  const bad = await check(t, `${policy}mounts: any\n`);
  assert.equal(bad.code, 1);
  assert.match(bad.lines.join('\n'), /^bad: policy \S+: line \d+: unknown key "mounts"$/);
});

test('drover agent check-policy explains a command: the rule that allows it, or why not', async (t) => {
  const allowed = await check(t, policy, '--env', 'TZ=UTC', '--', 'echo', '5');
  assert.equal(allowed.code, 0, allowed.stderr);
  assert.match(
    allowed.lines.at(-1) ?? '',
    /^allowed: echo 5: by commands: command 2; runs \S+\/echo 5 as user \d+ in \//,
  );
  const denied = await check(t, policy, '--', 'echo', '10\u001b[2J');
  assert.equal(denied.code, 7);
  assert.match(
    denied.lines.at(-1) ?? '',
    /^denied: echo "10\\u001b\[2J": the node's policy does not allow \S*echo "10\\u001b/,
  );
  const variable = await check(t, policy, '--env', 'LD_PRELOAD=x', '--', 'true');
  assert.match(variable.lines.at(-1) ?? '', /^denied: true: variable LD_PRELOAD never passes/);
});

test('drover agent check-policy explains a named command, signals and paths', async (t) => {
  const named = await check(t, policy, '--command', '--', 'say', 'yes-sir');
  assert.match(
    named.lines.at(-1) ?? '',
    /^allowed: say yes-sir: by namedCommands: say; runs \S*echo yes-sir as user \d+ in \//,
  );
  const others = await check(t, policy, '--signal', 'hup', '--read', '/var/log/syslog', '--write', '/etc/x');
  assert.equal(others.code, 7);
  assert.deepEqual(others.lines.slice(-3), [
    "denied: SIGHUP: the node's policy does not allow SIGHUP",
    'allowed: read /var/log/syslog: by files.read, beneath /var/log',
    'denied: write /etc/x: the policy of this node allows no file there to be written',
  ]);
});

test('drover agent check-policy warns of a shell, and refuses questions without a command', async (t) => {
  const shell = await check(t, policy.replace('/usr/bin/true', '/bin/sh'));
  assert.match(
    shell.lines.join('\n'),
    /^warning: commands: command 1: \S+sh runs what it is told: this allows everything$/m,
  );
  const half = await check(t, policy, '--user', 'root');
  assert.equal(half.code, 2);
  assert.match(half.stderr, /--user is about a command: give one after --/);
});
