import assert from 'node:assert/strict';
import { PassThrough, Readable } from 'node:stream';
import { test } from 'node:test';
import type { ConnectRouter } from '@connectrpc/connect';
import { makeTask, startFakeApi } from '#cli/testing/fake-api.ts';
import { createTestContext } from '#cli/testing/test-context.ts';
import { exited } from '#core/outcome.ts';
import { NodeService, RunService, TaskService } from '#protocol/gen/drover/v1/api_pb.ts';
import { NodeState } from '#protocol/gen/drover/v1/node_pb.ts';
import { TaskState } from '#protocol/gen/drover/v1/task_pb.ts';
import { type CommandKeys, interrupt, type Lines, StreamLines } from './lines.ts';
import { runPrompt } from './prompt.ts';

const forever = new AbortController().signal;

/** Lines that a test has written, and the prompts that were shown for them. */
function scripted(script: readonly (string | typeof interrupt)[], interactive = true) {
  const prompts: string[] = [];
  const notices: string[] = [];
  const left = [...script];
  const watchers: CommandKeys[] = [];
  const lines: Lines = {
    interactive,
    async next(prompt) {
      prompts.push(prompt);
      return left.shift();
    },
    notice: (text) => void notices.push(text),
    watch(keys) {
      watchers.push(keys);
      return { [Symbol.dispose]: () => void watchers.pop() };
    },
    history: ['newest', 'oldest'],
    clearHistory() {},
    [Symbol.dispose]() {},
  };
  return { lines, prompts, notices, left, watchers };
}

test('the prompt selects nodes, runs other words on them, and shows them', async () => {
  const targets: string[] = [];
  await using api = await startFakeApi((router) => {
    router.service(NodeService, {
      listNodes: ({ nodes }) => ({ nodes: nodes === 'none*' ? [] : [{ name: 'web1' }] }),
    });
    router.service(RunService, {
      createRun({ id, nodes }) {
        targets.push(nodes);
        return { run: { id }, tasks: [] };
      },
    });
    router.service(TaskService, {
      async *followTasks() {
        const value = makeTask('aaaaaaaaaa', 'web1', { state: TaskState.ENDED, outcome: exited(0) });
        yield { kind: { case: 'task', value } };
      },
    });
  });
  using made = createTestContext({ access: api.access });
  const { lines, prompts } = scripted([
    'uptime',
    '@web[1-2]',
    'uptime',
    '@none*',
    '@role=web',
    'exit',
    'never',
  ]);
  assert.equal(await runPrompt(made.context, lines, { leave: forever }), 0);
  assert.deepEqual(targets, ['@all', 'web[1-2]']);
  assert.deepEqual(prompts, [
    'drover @all> ',
    'drover @all> ',
    'drover @web[1-2]> ',
    'drover @web[1-2]> ',
    'drover @web[1-2]> ',
    'drover @role=web> ',
  ]);
});

test('the prompt gives the code of the last failing line where nobody types', async () => {
  for (const interactive of [false, true]) {
    using made = createTestContext();
    const { lines } = scripted(["'unfinished", 'logs', 'help', ''], interactive);
    assert.equal(await runPrompt(made.context, lines, { leave: forever }), interactive ? 0 : 2);
    assert.match(
      made.printed.stderr(),
      /^drover: the line ends inside single quotes\ndrover logs: which tasks/,
    );
  }
});

test('the prompt leaves at the second Ctrl-C in a row where it has a hint, and never without', async () => {
  using made = createTestContext();
  const hinted = scripted([interrupt, '', interrupt, interrupt, 'never']);
  await runPrompt(made.context, hinted.lines, { leave: forever, leaveHint: 'hint' });
  assert.deepEqual([hinted.notices, hinted.left], [['hint', 'hint'], ['never']]);
  const stubborn = scripted([interrupt, interrupt, interrupt]);
  await runPrompt(made.context, stubborn.lines, { leave: forever });
  assert.deepEqual(stubborn.left, []);
});

test('the prompt ends when it is told to, while it waits for a line', async () => {
  using made = createTestContext();
  const leave = new AbortController();
  const { lines } = scripted([]);
  const waiting: Lines = { ...lines, next: () => new Promise(() => leave.abort()), [Symbol.dispose]() {} };
  assert.equal(await runPrompt(made.context, waiting, { leave: leave.signal }), 0);
});

test('StreamLines gives every line, the last one without its end too', async () => {
  using lines = new StreamLines(
    Readable.from([Buffer.from('a\nb\r'), Buffer.from('\n\nc')]),
    new PassThrough(),
  );
  const read: (string | undefined)[] = [];
  for (let i = 0; i < 5; i++) read.push(await lines.next());
  assert.deepEqual(read, ['a', 'b', '', 'c', undefined]);
});

/** A cluster of these nodes whose runs end by their commands: `false` fails on every node but the first. */
function cluster(names: readonly string[], targets: string[]) {
  let command = '';
  const tasks = () =>
    names.map((name, i) =>
      makeTask(`${name}aaaaaa`, name, {
        state: TaskState.ENDED,
        outcome: exited(command === 'false' && i > 0 ? 1 : 0),
      }),
    );
  return (router: ConnectRouter) => {
    router.service(NodeService, {
      listNodes({ nodes }) {
        targets.push(nodes);
        return {
          nodes: nodes.includes('none') ? [] : names.map((name) => ({ name, state: NodeState.CONNECTED })),
        };
      },
    });
    router.service(RunService, {
      createRun({ id, nodes, spec }) {
        targets.push(`run ${nodes}`);
        command = spec?.argv[0] ?? '';
        return { run: { id }, tasks: tasks() };
      },
    });
    router.service(TaskService, {
      async *followTasks() {
        for (const value of tasks()) yield { kind: { case: 'task', value } };
      },
      listTasks: () => ({ tasks: tasks() }),
    });
  };
}

test('the prompt takes nodes in and out, shows them, folds, and has the history', async () => {
  const targets: string[] = [];
  await using api = await startFakeApi(cluster(['web1', 'web2'], targets));
  using made = createTestContext({ access: api.access });
  const script = [
    '@web1',
    '+web2,web3',
    '-web3',
    '+none',
    '+web[1-4]!web9',
    '?',
    '=',
    '=',
    'history 1',
    'use',
  ];
  const { lines, prompts } = scripted(script, false);
  assert.equal(await runPrompt(made.context, lines, { leave: forever }), 2);
  assert.deepEqual(prompts.slice(1), [
    'drover @web1> ',
    'drover @web[1-3]> ',
    'drover @web[1-2]> ',
    'drover @web[1-2]> ',
    'drover @web[1-2]> ',
    'drover @web[1-2]> ',
    'drover @web[1-2] => ',
    'drover @web[1-2]> ',
    'drover @web[1-2]> ',
    'drover @web[1-2]> ',
  ]);
  assert.equal(made.printed.stdout(), '2 nodes: web[1-2]\n  connected  web[1-2]\nnewest\n');
  assert.equal(
    made.printed.stderr(),
    [
      'drover: no node matched: the selection stays as it is',
      'equal output is folded',
      'output is shown as it comes',
      'drover: use is kept for a command that this version does not have: -- use runs a program of that name on the nodes\n',
    ].join('\n'),
  );
  assert.ok(targets.includes('web[1-4]!web9'), targets.join(' '));
});

test('the prompt knows where the last run failed, and where not', async () => {
  const targets: string[] = [];
  await using api = await startFakeApi(cluster(['web1', 'web2', 'web3'], targets));
  using made = createTestContext({ access: api.access });
  const script = [
    '@$failed',
    'false',
    '@$failed',
    'run -w $ok -- true',
    'false',
    'run -w $failed -- true',
    'run -w $failed -- true',
    "run --shell 'echo $x'",
  ];
  const { lines, prompts } = scripted(script);
  await runPrompt(made.context, lines, { leave: forever });
  assert.equal(prompts.at(-1), 'drover @web[2-3]> ');
  assert.deepEqual(
    targets.filter((target) => target.startsWith('run')),
    ['run @all', 'run web1', 'run web[2-3]', 'run web[2-3]', 'run web[2-3]'],
  );
  assert.match(
    made.printed.stderr(),
    /^drover: \$failed is about the last run, and nothing was run at this prompt yet\n/,
  );
  assert.match(made.printed.stderr(), /drover: \$failed is empty: no node of the last run failed/);
});

test('the prompt answers Enter while a command runs, and gives Ctrl-C to the command only', async () => {
  const started = Promise.withResolvers<void>();
  const answer = Promise.withResolvers<void>();
  await using api = await startFakeApi((router) => {
    router.service(NodeService, {
      async listNodes() {
        started.resolve();
        await answer.promise;
        return {};
      },
    });
  });
  using made = createTestContext({ access: api.access });
  const { lines, watchers, left } = scripted(['nodes', 'help', 'exit']);
  const ended = runPrompt(made.context, lines, { leave: forever });
  await started.promise;
  watchers.at(-1)?.enter();
  watchers.at(-1)?.interrupt();
  assert.equal(await ended, 0);
  answer.resolve();
  assert.match(made.printed.stderr(), /^drover: nodes: no answer yet, \d\.\ds\n$/);
  assert.deepEqual([left, watchers], [[], []]);
});
