/**
 * Arguments, paths and variables by which an operator tries to run something else than the node's policy says. The whole way through
 * a real cluster; what stops each try is the policy, and that nothing between the operator and execve reads a line.
 */
import assert from 'node:assert/strict';
import { chmodSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import type { MessageInitShape } from '@bufbuild/protobuf';
import { v7 } from 'uuid';
import { type Task, type TaskSpecSchema, TaskState } from '#protocol/gen/drover/v1/task_pb.ts';
import { TestCluster } from '#test/fixture/cluster.ts';
import { until } from '#test/fixture/until.ts';

let cluster: TestCluster;
/** A directory that the operator can write: where things to be run by mistake lie. */
let lair: string;

const commands = `commands:
  - [/bin/echo, { oneOf: [red, green] }]
  - /usr/bin/printf
  - /usr/bin/env
namedCommands:
  greet: { argv: [/bin/echo, hello, { parameter: whom }], parameters: { whom: { regex: "[a-z]+" } } }
limits: { tasks: 2 }
`;

before(async () => {
  cluster = await TestCluster.start(1);
  const path = join(cluster.directory, 'node1', 'policy.yaml');
  const text = readFileSync(path, 'utf8').replace(/^commands: any\n/m, commands);
  writeFileSync(path, text.replace(/^environment: any$/m, 'environment: [TZ, PATH]'));
  cluster.agents.get('node1')?.reloadPolicy();
  lair = join(cluster.directory, 'lair');
  mkdirSync(lair);
  for (const name of ['echo', 'printf', 'env', 'systemctl']) {
    writeFileSync(join(lair, name), '#!/bin/sh\necho owned\n');
    chmodSync(join(lair, name), 0o755);
  }
  symlinkSync('/bin/echo', join(lair, 'link'));
});

after(() => cluster?.[Symbol.asyncDispose]());

async function run(spec: MessageInitShape<typeof TaskSpecSchema>): Promise<{ ended: Task; text: string }> {
  const { run: made } = await cluster.connection.runs.createRun({ id: v7(), nodes: 'node1', spec });
  let [ended, text]: [Task | undefined, string] = [undefined, ''];
  const query = { runId: made?.id ?? '' };
  for await (const { kind } of cluster.connection.tasks.followTasks({ query, output: true })) {
    if (kind.case === 'log') text += Buffer.from(kind.value.data).toString();
    if (kind.case === 'task' && kind.value.state === TaskState.ENDED) ended = kind.value;
  }
  assert.ok(ended);
  return { ended, text };
}

/** Asserts that the node's policy refuses it, in one line, and that nothing ran. */
async function assertDenied(spec: MessageInitShape<typeof TaskSpecSchema>, reason: RegExp): Promise<void> {
  const { ended, text } = await run(spec);
  const { outcome } = ended;
  assert.ok(outcome?.kind.case === 'notStarted', `${outcome?.kind.case} ${text}`);
  assert.equal(outcome.kind.value.step, 'policy', outcome.kind.value.reason);
  assert.match(outcome.kind.value.reason, reason);
  assert.doesNotMatch(outcome.kind.value.reason, /\p{Cc}/u, 'a control character in a reason');
  assert.equal(text, '');
  assert.equal(ended.attempts[0]?.pid ?? 0, 0);
}

test('words, separators and options that were not listed: the pattern is one of the whole vector', async () => {
  const tries = [
    ['echo', 'red; id'],
    ['echo', 'red\nid'],
    ['echo', 'red', '&&', 'id'],
    ['echo', '$(id)'],
    ['echo', '-e', 'red'],
    ['echo', '--', 'red'],
    ['echo', 'RED'],
    ['echo', 'red '],
    ['echo', ''],
    ['echo'],
  ];
  for (const argv of tries) await assertDenied({ argv }, /does not allow \S*\/echo/);
  assert.equal((await run({ argv: ['echo', 'red'] })).text, 'red\n');
});

test('shell syntax in an argument of any content: no shell ever reads it', async () => {
  const argument = '`id`; $(id) | cat > /tmp/x & *?~ "\'\\';
  assert.equal((await run({ argv: ['printf', '%s', argument] })).text, argument);
});

test('the name of an allowed binary elsewhere, by PATH, by a directory or by a link: the file that was found counts', async () => {
  const path = { PATH: `${lair}:/bin:/usr/bin` };
  await assertDenied({ argv: ['echo', 'red'], env: path }, /does not allow \S*lair\/echo/);
  await assertDenied({ argv: ['./echo', 'red'], cwd: lair }, /does not allow \S*lair\/echo/);
  await assertDenied({ argv: [join(lair, 'echo'), 'red'] }, /does not allow \S*lair\/echo/);
  await assertDenied({ argv: [`/etc/..${lair}/echo`, 'red'] }, /does not allow \S*lair\/echo/);
  await assertDenied({ argv: [join(lair, 'link'), 'red'] }, /does not allow \S*lair\/link/);
  const { ended } = await run({ argv: ['printf', 'x'], env: { PATH: '' } });
  assert.equal(ended.outcome?.kind.case, 'notStarted', 'an empty PATH is not the current directory');
});

test('variables that would have something else run: they never pass, whatever they are called', async () => {
  const argv = ['env'];
  for (const name of ['LD_PRELOAD', 'LD_AUDIT', 'BASH_ENV', 'NODE_OPTIONS', 'GLIBC_TUNABLES']) {
    await assertDenied({ argv, env: { [name]: '/tmp/x.so' } }, /never passes to a task/);
  }
  await assertDenied({ argv, env: { HOME: '/tmp' } }, /does not allow to set HOME/);
});

test('a variable inside of the value or the name of another: each is one string of execve', async () => {
  const { text } = await run({ argv: ['env', '-0'], env: { TZ: 'UTC\nLD_PRELOAD=/tmp/x.so' } });
  const variables = text.split('\0');
  assert.ok(variables.includes('TZ=UTC\nLD_PRELOAD=/tmp/x.so'));
  assert.ok(!variables.some((variable) => variable.startsWith('LD_')));
  for (const name of ['TZ=x\nLD_PRELOAD', 'A=B', '', 'X\0LD_PRELOAD']) {
    const env = { [name]: 'y' };
    const outcome = await run({ argv: ['env'], env }).then(
      ({ ended }) => ended.outcome?.kind.case,
      () => 'refused by the controller',
    );
    assert.match(outcome ?? '', /^(notStarted|refused by the controller)$/, JSON.stringify(name));
  }
});

test('variables that say what a task is: the node sets them after the operator', async () => {
  const forged = { DROVER_TASK: 'x', DROVER_ATTEMPT_ID: 'x' };
  await assertDenied({ argv: ['env'], env: forged }, /does not allow to set DROVER_/);
});

test('parameters of a named command that are more than their pattern: one argument each, matched whole', async () => {
  for (const whom of ['Bob', 'bob alice', 'bob\n', 'bob\nx', '-n', '', 'bob;id']) {
    await assertDenied({ named: true, argv: ['greet', whom] }, /^command greet: whom takes what matches/);
  }
  await assertDenied(
    { named: true, argv: ['greet', 'bob', 'alice'] },
    /^command greet takes whom, and was given 2/,
  );
  await assertDenied({ named: true, argv: ['/bin/echo', 'hello', 'bob'] }, /has no command "\/bin\/echo"/);
  await assertDenied({ named: true, argv: ['__proto__'] }, /has no command "__proto__"/);
  await assertDenied(
    { named: true, argv: ['greet', 'bob'], env: { PATH: lair } },
    /does not allow to set PATH/,
  );
  await assertDenied({ named: true, argv: ['greet', 'bob'], cwd: lair }, /runs in \/ only/);
  assert.equal((await run({ named: true, argv: ['greet', 'bob'] })).text, 'hello bob\n');
});

test('more tasks than the policy allows at once: the node refuses them, whatever the controller takes', async () => {
  const argv = ['env', 'sleep', '60'];
  const launched = await Promise.all(
    [1, 2, 3].map(() => cluster.connection.runs.createRun({ id: v7(), nodes: 'node1', spec: { argv } })),
  );
  const ids = launched.flatMap(({ tasks }) => tasks.map(({ id }) => id));
  let refused: Task | undefined;
  await until('one of them is refused', async () => {
    const { tasks } = await cluster.connection.tasks.listTasks({ query: { states: [TaskState.ENDED] } });
    refused = tasks.find(({ id }) => ids.includes(id));
    return refused !== undefined;
  });
  assert.ok(refused?.outcome?.kind.case === 'notStarted');
  assert.match(refused.outcome.kind.value.reason, /^limit: this node has 2 tasks, its maximum/);
});
