import assert from 'node:assert/strict';
import { test } from 'node:test';
import { create } from '@bufbuild/protobuf';
import type { ConnectRouter } from '@connectrpc/connect';
import { callCommand } from '#cli/call-command.ts';
import { makeTask, refusal, startFakeApi } from '#cli/testing/fake-api.ts';
import { FakeTerminal } from '#cli/testing/fake-terminal.ts';
import { createTestContext, type TestContextOptions } from '#cli/testing/test-context.ts';
import { exited, notStarted, signaled } from '#core/outcome.ts';
import {
  type CreateRunRequest,
  type FollowTasksResponse,
  FollowTasksResponseSchema,
  RunService,
  type StopTasksRequest,
  TaskService,
} from '#protocol/gen/drover/v1/api_pb.ts';
import { Cause, LogSource, type Outcome, type Task, TaskState } from '#protocol/gen/drover/v1/task_pb.ts';
import { isRunId } from '#protocol/ids.ts';
import { until } from '#test/fixture/until.ts';

const bytes = (text: string) => new TextEncoder().encode(text);

function ended(task: Task, outcome: Outcome, cause: Cause = Cause.ITSELF): FollowTasksResponse {
  const value = makeTask(task.id, task.node, { state: TaskState.ENDED, outcome, cause });
  return create(FollowTasksResponseSchema, { kind: { case: 'task', value } });
}

function running(task: Task): FollowTasksResponse {
  return create(FollowTasksResponseSchema, { kind: { case: 'task', value: task } });
}

function printed(
  task: Task,
  text: string,
  source: LogSource = LogSource.STDOUT,
  offset = 0,
): FollowTasksResponse {
  const value = {
    taskId: task.id,
    node: task.node,
    attempt: 1,
    source,
    offset: BigInt(offset),
    data: bytes(text),
  };
  return create(FollowTasksResponseSchema, { kind: { case: 'log', value } });
}

const one = makeTask('aaaaaaaaaa', 'node1');
const two = makeTask('bbbbbbbbbb', 'node2');

/** A cluster whose every run has these tasks and this news. */
function cluster(tasks: Task[], news: FollowTasksResponse[], requests: CreateRunRequest[] = []) {
  return (router: ConnectRouter) => {
    router.service(RunService, {
      createRun(request) {
        requests.push(request);
        return { run: { id: request.id, spec: request.spec ?? {} }, tasks };
      },
      getRun: ({ id }) => ({ id, counts: { total: tasks.length, succeeded: tasks.length } }),
    });
    router.service(TaskService, {
      async *followTasks({ output }) {
        yield* news.filter(({ kind }) => output || kind.case !== 'log');
      },
    });
  };
}

async function call(
  routes: (router: ConnectRouter) => void,
  words: readonly string[],
  options: TestContextOptions = {},
) {
  await using api = await startFakeApi(routes);
  using made = createTestContext({ access: api.access, ...options });
  const code = await callCommand(made.context, words);
  return { code, stdout: made.printed.stdout(), stderr: made.printed.stderr() };
}

test('run prints whole lines under node names, and how all ended', async () => {
  const news = [
    running(one),
    running(two),
    printed(one, 'hel'),
    printed(two, 'world\nagain\n'),
    printed(one, 'lo\nlast\u001b[31m', LogSource.STDOUT, 3),
    printed(two, 'oops\n', LogSource.STDERR),
    ended(one, exited(0)),
    ended(two, exited(3)),
  ];
  const requests: CreateRunRequest[] = [];
  const { code, stdout, stderr } = await call(cluster([one, two], news, requests), [
    'run',
    '-w',
    'node[1-2]',
    'greet',
    '-v',
  ]);
  assert.equal(stdout, 'node2: world\nnode2: again\nnode1: hello\nnode1: last\n');
  assert.equal(stderr, 'node2: oops\n1 succeeded · 1 failed (exit 3)\nexit 3: node2\n');
  assert.equal(code, 5);
  assert.deepEqual(requests[0]?.spec?.argv, ['greet', '-v']);
  assert.ok(isRunId(requests[0]?.id ?? ''));
});

for (const [what, target, outcome, expected] of [
  ['the code itself', ['-w', 'node1'], exited(42), 42],
  ['128+n for a signal', ['-w', 'node1'], signaled('SIGTERM', false), 143],
  ['127 for not found', ['-w', 'node1'], notStarted('command', 2, 'nope: not found'), 127],
  ['126 for not executable', ['-w', 'node1'], notStarted('execve', 13, 'permission denied'), 126],
  ['7 where the policy of the node refuses', ['-w', 'node1'], notStarted('policy', 0, 'not allowed'), 7],
  ['5 where the target is no plain name', ['-w', 'node[1]'], exited(42), 5],
  ['5 for all nodes', ['-a'], exited(42), 5],
  ['the largest with -S', ['-aS'], exited(42), 42],
] as const) {
  test(`run exits with ${what}`, async () => {
    const { code } = await call(cluster([one], [running(one), ended(one, outcome)]), ['run', ...target, 'x']);
    assert.equal(code, expected);
  });
}

test('run exits with 3 when a time limit ended a task, on one node too', async () => {
  const news = [running(one), ended(one, signaled('SIGTERM', false), Cause.TIMEOUT)];
  assert.equal((await call(cluster([one], news), ['run', '-a', '--timeout', '1s', 'x'])).code, 3);
  assert.equal((await call(cluster([one], news), ['run', '-w', 'node1', '--timeout', '1s', 'x'])).code, 3);
});

test('run --raw prints the very bytes', async () => {
  const news = [printed(one, 'a\u001b[31m'), ended(one, exited(0))];
  const { stdout } = await call(cluster([one], news), ['run', '-w', 'node1', '--raw', 'x']);
  assert.equal(stdout, 'a\u001b[31m');
});

test('run -d prints the ids and ends', async () => {
  const { code, stdout } = await call(cluster([one, two], []), ['run', '-ad', 'sleep', '60']);
  const [id = '', ...rows] = stdout.trimEnd().split('\n');
  assert.ok(isRunId(id));
  assert.deepEqual(rows, ['TASK        NODE', 'aaaaaaaaaa  node1', 'bbbbbbbbbb  node2']);
  assert.equal(code, 0);
});

test('run -o json prints the run with its ended tasks, and no output', async () => {
  const news = [printed(one, 'text\n'), ended(one, exited(0))];
  const { stdout } = await call(cluster([one], news), ['run', '-a', '-o', 'json', 'x']);
  const { run, tasks } = JSON.parse(stdout);
  assert.equal(run.counts.succeeded, 1);
  assert.equal(run.counts.active, 0);
  assert.equal(tasks[0].state, 'TASK_STATE_ENDED');
  assert.equal(tasks[0].outcome.exited.code, 0);
});

test('run -d -o jsonl prints one line', async () => {
  const { stdout } = await call(cluster([one, two], []), ['run', '-ad', '-o', 'jsonl', 'x']);
  assert.match(stdout, /^.+\n$/);
  assert.equal(JSON.parse(stdout).tasks.length, 2);
});

test('run -o name prints the id and no output', async () => {
  const news = [printed(one, 'text\n'), ended(one, exited(0))];
  const { stdout, stderr } = await call(cluster([one], news), ['run', '-a', '-o', 'name', 'x']);
  assert.ok(isRunId(stdout.trim()));
  assert.equal(stderr, '1 succeeded\n');
});

for (const [reason, expected] of [
  ['NO_SUCH_NODE', 6],
  ['NO_NODE_MATCHED', 6],
  ['DENIED', 7],
  ['INVALID', 2],
  ['LIMIT', 1],
] as const) {
  test(`run exits with ${expected} when refused by ${reason}`, async () => {
    const routes = (router: ConnectRouter) => {
      router.service(RunService, {
        createRun() {
          throw refusal(reason, 'no such node: node9');
        },
      });
    };
    const { code, stdout, stderr } = await call(routes, ['run', '-w', 'node9', 'x']);
    assert.deepEqual(
      { code, stdout, stderr },
      { code: expected, stdout: '', stderr: 'drover: no such node: node9\n' },
    );
  });
}

test('run creates the run again under the same id when the connection is lost, and repeats no output', async () => {
  const requests: CreateRunRequest[] = [];
  let follows = 0;
  let cut = () => {};
  await using api = await startFakeApi((router) => {
    router.service(RunService, {
      createRun(request) {
        requests.push(request);
        if (requests.length === 1) cut();
        return { run: { id: request.id }, tasks: [one] };
      },
    });
    router.service(TaskService, {
      async *followTasks() {
        follows += 1;
        yield printed(one, 'first\n');
        if (follows === 1) {
          await new Promise(setImmediate);
          cut();
          return;
        }
        yield printed(one, 'second\n', LogSource.STDOUT, 6);
        yield ended(one, exited(0));
      },
    });
  });
  cut = api.cut;
  using made = createTestContext({ access: api.access });
  assert.equal(await callCommand(made.context, ['run', '-a', 'x']), 0);
  assert.equal(requests.length, 2);
  assert.equal(requests[0]?.id, requests[1]?.id);
  assert.equal(made.printed.stdout(), 'node1: first\nnode1: second\n');
});

test('run stops its tasks at Ctrl-C without a terminal, and exits with 130', async () => {
  const stops: StopTasksRequest[] = [];
  const stopped = Promise.withResolvers<void>();
  await using api = await startFakeApi((router) => {
    router.service(RunService, { createRun: ({ id }) => ({ run: { id }, tasks: [one] }) });
    router.service(TaskService, {
      stopTasks(request) {
        stops.push(request);
        stopped.resolve();
        return {};
      },
      async *followTasks() {
        yield running(one);
        made.context.interrupts.raise();
        await stopped.promise;
        yield ended(one, signaled('SIGTERM', false), Cause.OPERATOR);
      },
    });
  });
  using made = createTestContext({ access: api.access });
  assert.equal(await callCommand(made.context, ['run', '-w', 'node1', 'x']), 130);
  assert.equal(stops.length, 1);
  assert.match(stops[0]?.query?.runId ?? '', /-7/);
  assert.match(
    made.printed.stderr(),
    /stopping; Ctrl-C again kills\n1 stopped by operator \(SIGTERM\)\nSIGTERM: node1\n$/,
  );
});

test('run asks on a terminal, and detaches when told so', async () => {
  await using api = await startFakeApi((router) => {
    router.service(RunService, { createRun: ({ id }) => ({ run: { id }, tasks: [one] }) });
    router.service(TaskService, {
      async *followTasks(_, { signal }) {
        yield running(one);
        made.context.interrupts.raise();
        await new Promise((resolve) => signal.addEventListener('abort', resolve));
      },
    });
  });
  using made = createTestContext({ access: api.access, terminal: new FakeTerminal(async () => 'd') });
  assert.equal(await callCommand(made.context, ['run', '-w', 'node[1-2]', 'x']), 0);
  assert.match(made.printed.stderr(), /goes on: drover logs -f 0/);
});

/** A run that prints without an end, until it is stopped or killed; `prints` at its first words. */
function floodingCluster(order: 'stopTasks' | 'signalTasks', prints: () => void) {
  const follows: boolean[] = [];
  const ordered = Promise.withResolvers<void>();
  const routes = (router: ConnectRouter) => {
    router.service(RunService, { createRun: ({ id }) => ({ run: { id }, tasks: [one] }) });
    router.service(TaskService, {
      [order]() {
        ordered.resolve();
        return {};
      },
      async *followTasks({ output }, { signal }) {
        follows.push(output);
        if (output) {
          yield printed(one, 'flood\n');
          prints();
          for (let i = 1; !signal.aborted; i++) {
            yield printed(one, 'flood\n', LogSource.STDOUT, i * 6);
            await new Promise(setImmediate);
          }
        } else {
          await ordered.promise;
          yield ended(one, signaled('SIGKILL', false), Cause.OPERATOR);
        }
      },
    });
  };
  return { routes, follows };
}

test('run stops its tasks when the reader of its output goes away', async () => {
  const { routes, follows } = floodingCluster('stopTasks', () => made.context.readerGone.raise());
  await using api = await startFakeApi(routes);
  using made = createTestContext({ access: api.access });
  await callCommand(made.context, ['run', '-w', 'node1', 'x']);
  assert.match(made.printed.stderr(), /^drover: the reader of the output went away\ndrover: stopping/);
  assert.deepEqual(follows, [true, false]);
});

test('run prints nothing while it asks, and no backlog after a kill', async () => {
  const asked = Promise.withResolvers<void>();
  const { routes } = floodingCluster('signalTasks', () => made.context.interrupts.raise());
  await using api = await startFakeApi(routes);
  let atQuestion = '';
  let atAnswer = '';
  using made = createTestContext({
    access: api.access,
    terminal: new FakeTerminal(async () => {
      atQuestion = made.printed.stdout();
      asked.resolve();
      for (let i = 0; i < 100; i++) await new Promise(setImmediate);
      atAnswer = made.printed.stdout();
      return 'k';
    }),
  });
  assert.equal(await callCommand(made.context, ['run', '-w', 'node1', 'x']), 130);
  assert.equal(atAnswer, atQuestion);
  assert.match(made.printed.stderr(), /killing, the rest of the output is in drover logs 0/);
  const more = made.printed.stdout().slice(atAnswer.length);
  assert.ok(more.length <= 'node1: flood\n'.length, more);
});

test('a controller that is not there is one line and exit code 1', async () => {
  const api = await startFakeApi(() => {});
  await api[Symbol.asyncDispose]();
  using made = createTestContext({ access: api.access });
  assert.equal(await callCommand(made.context, ['run', '-a', 'x']), 1);
  assert.equal(
    made.printed.stderr(),
    `drover: cannot reach the controller at ${api.access.address}: connection refused: start it with drover up\n`,
  );
});

test('run tells somebody who asks how far it is, and on a terminal how long it took', async () => {
  const waits = Promise.withResolvers<void>();
  const asked = Promise.withResolvers<void>();
  await using api = await startFakeApi((router) => {
    cluster([one, two], [])(router);
    router.service(TaskService, {
      async *followTasks() {
        yield running(two);
        yield ended(one, exited(0));
        asked.resolve();
        await waits.promise;
        yield ended(two, exited(0));
      },
    });
  });
  using made = createTestContext({ access: api.access, columns: 80 });
  const code = callCommand(made.context, ['run', '-w', 'node[1-2]', '--', 'x']);
  await asked.promise;
  await until('both are known', () => {
    made.context.inquiries.raise();
    return made.printed.stderr().includes('1 of 2 ended');
  });
  waits.resolve();
  assert.equal(await code, 0);
  assert.match(made.printed.stderr(), /^after \d\.\ds: running on node2; 1 of 2 ended$/m);
  assert.match(made.printed.stderr(), /^2 succeeded in \d\.\ds$/m);
});

const atOnce = /^drover: waiting for the answer to the launch; Ctrl-C again leaves\ndrover: stopping/;
const inDoubt = /leaves\ndrover: run \S+ may have been created all the same: drover ps -a \S+\n$/;
for (const [words, presses, said] of [
  [['run', '-w', 'node1', '--', 'x'], 1, atOnce],
  [['run', '-w', 'node1', '--', 'x'], 2, inDoubt],
  [['exec', 'node1', '--', 'x'], 1, atOnce],
  [['exec', 'node1', '--', 'x'], 2, inDoubt],
  [['exec', '-t', 'node1', '--', 'x'], 1, atOnce],
  [['exec', '-t', 'node1', '--', 'x'], 2, inDoubt],
] as const) {
  test(`${words[0]} leaves no doubt at Ctrl-C while it is created: ${words[1]}, pressed ${presses} times`, async () => {
    const asked = Promise.withResolvers<void>();
    const answer = Promise.withResolvers<void>();
    const noted: string[] = [];
    let stopped = 0;
    await using api = await startFakeApi((router) => {
      router.service(RunService, {
        async createRun({ id }) {
          asked.resolve();
          await answer.promise;
          return { run: { id }, tasks: [one] };
        },
      });
      router.service(TaskService, {
        async *followTasks() {
          while (stopped === 0) await new Promise((resolve) => setImmediate(resolve));
          yield ended(one, signaled('SIGTERM', false), Cause.OPERATOR);
        },
        stopTasks() {
          stopped += 1;
          return {};
        },
      });
    });
    using made = createTestContext({ access: api.access, columns: 80, terminal: new FakeTerminal() });
    const context = { ...made.context, noteRun: (id: string) => void noted.push(id) };
    const ending = callCommand(context, words);
    await asked.promise;
    for (let i = 0; i < presses; i++) context.interrupts.raise();
    if (presses === 1) answer.resolve();
    assert.equal(await ending, 130);
    answer.resolve();
    assert.match(made.printed.stderr(), said);
    assert.equal(noted.length, 1);
    assert.equal(stopped, presses === 1 ? 1 : 0);
  });
}

test('exec is left by the third Ctrl-C, and says what goes on', async () => {
  const asked = Promise.withResolvers<void>();
  await using api = await startFakeApi((router) => {
    router.service(RunService, { createRun: ({ id }) => ({ run: { id }, tasks: [one] }) });
    router.service(TaskService, {
      async *followTasks(_, { signal }) {
        yield running(one);
        asked.resolve();
        await new Promise((resolve) => signal.addEventListener('abort', resolve));
      },
      async *readLogs(_, { signal }) {
        await new Promise((resolve) => signal.addEventListener('abort', resolve));
      },
      stopTasks: () => ({}),
      signalTasks: () => ({}),
    });
  });
  using made = createTestContext({ access: api.access });
  const ending = callCommand(made.context, ['exec', 'node1', '--', 'x']);
  await asked.promise;
  for (let i = 0; i < 3; i++) made.context.interrupts.raise();
  assert.equal(await ending, 130);
  assert.match(made.printed.stderr(), /drover: left with task \S+ not ended: drover wait \S+\n$/);
});
