/** A second person at a cluster: login by pin and token, a role of their own, what it denies, and the end of it. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { after, before, test } from 'node:test';
import {
  type CommandResult,
  drover,
  startDrover,
  startUpCluster,
  type UpCluster,
} from '#test/fixture/drover-command.ts';
import { until } from '#test/fixture/until.ts';

const directory = mkdtempSync(join(tmpdir(), 'drover-test-'));
/** Another person, of whom nothing is on this machine but contexts. */
const person = { data: '', env: { XDG_CONFIG_HOME: join(directory, 'config') } };
const contextsFile = join(directory, 'config', 'drover', 'contexts.json');
let cluster: UpCluster;
let address: string;
let pin: string;

before(async () => {
  cluster = await startUpCluster(join(directory, 'data'), 2);
  const shown = await succeeds('ca', 'show');
  address = shown.match(/^cluster: +(.*)$/m)?.[1] ?? '';
  pin = shown.match(/^pin: +(.*)$/m)?.[1] ?? '';
  const token = (await succeeds('join-token', 'create')).split('\n')[0] ?? '';
  assert.equal(token.split('.')[3], pin);
});

after(async () => {
  await cluster?.[Symbol.asyncDispose]();
  rmSync(directory, { recursive: true, force: true });
});

/** Of admin's. */
async function succeeds(...args: string[]): Promise<string> {
  const { code, stdout, stderr } = await cluster.run(...args);
  assert.equal(code, 0, stderr);
  return stdout;
}

const asPerson = (...args: string[]): Promise<CommandResult> => drover(args, person);

const role = `
name: caretaker
description: looks after node1
rules:
  - allow: [node.read]
  - allow: [task.read, logs.read, task.signal]
    nodes: node1
  - allow: [task.launch]
    nodes: node1
    commands:
      - [echo, { oneOf: [hello, bye] }]
      - [sleep, { int: [1, 600] }]
`;

test('a role, a user and a token are made, and the token is enough to log in, once the cluster is the right one', async () => {
  const path = join(directory, 'role.yaml');
  writeFileSync(path, role);
  assert.equal(await succeeds('role', 'create', path), 'recorded caretaker\n');
  assert.equal(await succeeds('user', 'create', 'ada', '--role', 'caretaker'), 'ada: caretaker\n');
  const token = await succeeds('token', 'create', '--user', 'ada', '--ttl', '1h');

  const nobody = await drover(['login', address], { ...person, input: token });
  assert.equal(nobody.code, 2);
  assert.match(nobody.stderr, /nobody is here to confirm the cluster's pin/);
  const wrong = await drover(['login', address, '--pin', 'A'.repeat(43)], { ...person, input: token });
  assert.equal(wrong.code, 7);
  assert.match(wrong.stderr, /is not the one that --pin names/);
  const bad = await drover(['login', address, '--pin', pin], {
    ...person,
    input: `${token.slice(0, -3)}AA\n`,
  });
  assert.equal(bad.code, 7);
  const good = await drover(['login', address, '--pin', pin, '--name', 'lab'], { ...person, input: token });
  assert.match(good.stdout, /^logged in to lab \(127\.0\.0\.1:\d+\) as ada until 20/);
  assert.equal(statSync(contextsFile).mode & 0o777, 0o600);
  assert.ok(readFileSync(contextsFile, 'utf8').includes(token.trim()));

  assert.match((await asPerson('whoami')).stdout, /^user: +ada\nroles: +caretaker$/m);
  assert.match((await asPerson('context', 'list')).stdout, /^\* +lab +127\.0\.0\.1:\d+$/m);
});

test('what the role allows is done, and what it does not is denied with the nodes and the reason', async () => {
  const hello = await asPerson('run', '-w', 'node1', '--', 'echo', 'hello');
  assert.deepEqual([hello.code, hello.stdout], [0, 'node1: hello\n']);
  const denied: readonly [args: string[], line: RegExp][] = [
    [
      ['run', '-w', 'node[1-2]', '--', 'echo', 'hello'],
      /^drover: ada may not task\.launch on node2: no rule of role caretaker allows it$/m,
    ],
    [['run', '-w', 'node1', '--', 'echo', 'boo'], /ada may not task\.launch on node1: no rule/],
    [['run', '-w', 'node1', '--env', 'PATH=/tmp', '--', 'echo', 'hello'], /ada may not task\.launch/],
    [['run', '-w', 'node1', '--shell', 'echo hello'], /ada may not task\.launch/],
    [['nodes', 'drain', 'node1', '--reason', 'x'], /ada may not node\.manage: no rule/],
    [['user', 'list'], /ada may not user\.manage: no rule/],
    [['token', 'create', '--user', 'admin'], /ada may not user\.manage/],
    [['shutdown'], /ada may not/],
  ];
  for (const [args, line] of denied) {
    const { code, stderr } = await asPerson(...args);
    assert.equal(code, 7, args.join(' '));
    assert.match(stderr, line);
  }
  const explained = await cluster.run(
    'access',
    'explain',
    'ada',
    'task.launch',
    '-w',
    '@all',
    '--',
    'echo',
    'bye',
  );
  assert.deepEqual(
    [explained.code, explained.stdout],
    [7, 'node1: allowed: rule 3 of role caretaker\nnode2: denied: no rule of role caretaker allows it\n'],
  );
});

test('tasks, runs and events of nodes that the role does not reach are not there', async () => {
  await succeeds('run', '-w', 'node2', '--', 'echo', 'secret');
  await succeeds('run', '-w', 'node[1-2]', '--', 'echo', 'both');
  const tasks = await asPerson('ps', '--all', '-o', 'jsonl');
  assert.equal(tasks.code, 0);
  assert.ok(
    tasks.stdout.includes('both') && !tasks.stdout.includes('node2') && !tasks.stdout.includes('secret'),
  );
  const ids = (await succeeds('ps', '--all', '-w', 'node2', '-o', 'name')).trim().split('\n');
  for (const command of ['inspect', 'logs']) {
    const { code, stderr } = await asPerson(command, ids[0] ?? '');
    assert.equal(code, 1);
    assert.match(stderr, /no such task/);
  }
  const events = await asPerson('events', '-o', 'jsonl');
  assert.ok(events.stdout.includes('node1') && !events.stdout.includes('node2'));
});

test('a user who is disabled loses what is open within 5 s, and a revoked token its use', async () => {
  const child = startDrover(['run', '-w', 'node1', '--', 'sleep', '60'], person);
  const closed = once(child, 'close') as Promise<[number | null]>;
  const errors = (async () => {
    const lines: string[] = [];
    if (child.stderr) for await (const line of createInterface({ input: child.stderr })) lines.push(line);
    return lines.join('\n');
  })();
  await until('it runs', async () => (await succeeds('ps', '-w', 'node1')).includes('running'));
  const beganMs = performance.now();
  assert.equal(await succeeds('user', 'disable', 'ada'), 'ada: caretaker; disabled\n');
  assert.equal((await closed)[0], 7);
  assert.ok(performance.now() - beganMs < 20_000);
  assert.match(await errors, /this call needs an operator token/);
  assert.equal((await asPerson('whoami')).code, 7);
  await succeeds('user', 'enable', 'ada');
  assert.equal((await asPerson('whoami')).code, 0);

  const out = await asPerson('logout', '--revoke');
  assert.deepEqual([out.code, out.stdout], [0, 'logged out of lab\n']);
  assert.ok(!readFileSync(contextsFile, 'utf8').includes('dvo1'));
  assert.equal((await succeeds('token', 'list', '--user', 'ada')).trim(), '');
});

test('nobody can lock everybody out', async () => {
  for (const args of [
    ['user', 'remove', 'admin'],
    ['user', 'disable', 'admin'],
    ['user', 'revoke', 'admin', 'admin'],
  ]) {
    const { code, stderr } = await cluster.run(...args);
    assert.equal(code, 2);
    assert.match(stderr, /nobody could manage users after that/);
  }
});
