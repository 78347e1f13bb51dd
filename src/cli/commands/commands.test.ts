/** The commands beside `run`, over a real connection: what they ask, print and exit with. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { create } from '@bufbuild/protobuf';
import { timestampFromMs } from '@bufbuild/protobuf/wkt';
import type { ConnectRouter } from '@connectrpc/connect';
import { FakeClock } from '#base/clock.ts';
import { callCommand } from '#cli/call-command.ts';
import { staleGraceMs, survivorsGraceMs } from '#cli/follow/task-watch.ts';
import { callWithApi } from '#cli/testing/call-with-api.ts';
import { makeTask, refusal, startFakeApi } from '#cli/testing/fake-api.ts';
import { createTestContext, type TestContextOptions } from '#cli/testing/test-context.ts';
import { exited } from '#core/outcome.ts';
import {
  ClusterService,
  FollowTasksResponseSchema,
  JoinTokenService,
  ListTasksRequestSchema,
  NodeService,
  type SignalTasksRequest,
  TaskService,
} from '#protocol/gen/drover/v1/api_pb.ts';
import { NodeState } from '#protocol/gen/drover/v1/node_pb.ts';
import {
  Cause,
  Freshness,
  LeftoverPolicy,
  LogSource,
  RestartMode,
  SignalScope,
  type Task,
  TaskState,
} from '#protocol/gen/drover/v1/task_pb.ts';

const nowMs = 1_700_000_000_000;
const argv = ['sh', '-c', `echo ${'long '.repeat(40)}`];
const one = makeTask('aaaaaaaaaa', 'node10', {
  spec: { argv },
  attempts: [{ number: 1, pid: 4711, startedAt: timestampFromMs(nowMs - 65_000) }],
});
const two = makeTask('bbbbbbbbbb', 'node2', {
  spec: { argv: ['true'] },
  state: TaskState.ENDED,
  outcome: exited(0),
  freshness: Freshness.LIVE,
  attempts: [
    { number: 1, pid: 7, startedAt: timestampFromMs(nowMs - 5_000), endedAt: timestampFromMs(nowMs - 4_000) },
  ],
});

const call = (
  routes: (router: ConnectRouter) => void,
  words: readonly string[],
  options: TestContextOptions = {},
) => callWithApi(routes, words, { clock: new FakeClock(nowMs), ...options });

const listing = (tasks: Task[]) => (router: ConnectRouter) => {
  router.service(TaskService, { listTasks: () => ({ tasks }) });
};

for (const width of [40, 80, 120]) {
  test(`ps fits a terminal of ${width} columns, a task a line`, async () => {
    const { lines, code } = await call(listing([one, two]), ['ps'], { columns: width });
    assert.equal(lines.length, 4);
    for (const line of lines) assert.ok([...line].length <= width, line);
    assert.match(lines[1] ?? '', /^bbbbbbbbbb {2}node2 /);
    assert.match(lines[2] ?? '', /^aaaaaaaaaa {2}node10 {2}running.*…$/);
    assert.equal(code, 0);
  });
}

test('ps cuts nothing without a terminal', async () => {
  const { lines } = await call(listing([one, two]), ['ps']);
  assert.equal(lines[1], 'bbbbbbbbbb  node2   ended       7   1.0s  exit 0   true');
  assert.equal(
    lines[2],
    `aaaaaaaaaa  node10  running  4711  1m05s  -        sh -c 'echo ${'long '.repeat(40)}'`,
  );
});

test('ps asks page by page for what has not ended, and prints names, JSON and lines of JSON', async () => {
  const requests: unknown[] = [];
  const routes = (router: ConnectRouter) => {
    router.service(TaskService, {
      listTasks(request) {
        requests.push(create(ListTasksRequestSchema, request).query?.states);
        return request.pageToken === '' ? { tasks: [one], nextPageToken: 'p' } : { tasks: [two] };
      },
    });
  };
  assert.equal((await call(routes, ['ps', '-o', 'name'])).stdout, 'bbbbbbbbbb\naaaaaaaaaa\n');
  assert.equal(requests.length, 2);
  const { stdout } = await call(routes, ['ps', '-o', 'json']);
  assert.deepEqual(JSON.parse(stdout).tasks[0].outcome, { exited: { code: 0 } });
  const { lines } = await call(routes, ['ps', '-o', 'jsonl']);
  assert.equal(JSON.parse(lines[1] ?? '').id, 'aaaaaaaaaa');
});

const restarted = {
  number: 3,
  pid: 9,
  state: TaskState.ENDED,
  startedAt: timestampFromMs(nowMs - 9_000),
  endedAt: timestampFromMs(nowMs - 1_000),
  outcome: exited(1),
  cause: Cause.ITSELF,
  restartAt: timestampFromMs(nowMs + 3_000),
  usage: { userUs: 500_000n },
};
const waiting = makeTask('cccccccccc', 'node1', {
  spec: { argv: ['flaky'], restart: { mode: RestartMode.ALWAYS } },
  state: TaskState.WAITING,
  reason: 'exit 1; attempt 4 in 4 s',
  attempts: [{ ...restarted, number: 1 }, { ...restarted, number: 2, cause: Cause.TIMEOUT }, restarted],
});

test('ps says when a task that waits starts again, and wide how often it was and why', async () => {
  assert.match((await call(listing([waiting]), ['ps'])).lines[1] ?? '', / exit 1, next in 3\.0s {2}flaky$/);
  const { lines } = await call(listing([waiting]), ['ps', '-o', 'wide']);
  assert.match(lines[0] ?? '', / RESTARTS {2}REASON {20}RUN/);
  assert.match(lines[1] ?? '', / +2 {2}exit 1; attempt 4 in 4 s {2}/);
});

test('inspect shows when a task starts again, its policy, and the attempts before the latest', async () => {
  const routes = (router: ConnectRouter) => router.service(TaskService, { getTask: () => waiting });
  const { stdout } = await call(routes, ['inspect', 'c']);
  for (const line of [
    /^state: +waiting$/m,
    /^next attempt: +4, in 3\.0s, at 2023-11-14T/m,
    /^restarts: +2$/m,
    /^restart: +always, after 1\.0s to 1m00s$/m,
    /^attempt 3: +ended$/m,
    /^ATTEMPT {2}STARTED .*OUTCOME$/m,
    /^ {6}2 .* timeout .* timed out \(exit 1\)$/m,
    /^ {6}1 .* itself .* 500ms +6\.3% .* exit 1$/m,
  ]) {
    assert.match(stdout, line);
  }
});

test('inspect says what is kept of a task, and what SIGKILL has not ended', async () => {
  const task = makeTask('cccccccccc', 'node1', {
    spec: { argv: ['x'], leftovers: LeftoverPolicy.KEEP },
    attempts: [
      {
        number: 1,
        leftovers: [{ pid: 5, command: 'sleep' }],
        survivors: [{ pid: 6, command: 'cp', state: 'D' }],
      },
    ],
  });
  const routes = (router: ConnectRouter) => router.service(TaskService, { getTask: () => task });
  const { stdout } = await call(routes, ['inspect', 'c']);
  assert.match(stdout, /^ {2}outlived its leader: +sleep \(5\); kept$/m);
  assert.match(stdout, /^ {2}survives SIGKILL: +cp \(6, D\)$/m);
});

test('ps says what it has not found, on standard error', async () => {
  assert.deepEqual((await call(listing([]), ['ps'])).stderr, 'no task runs\n');
});

test('logs prefixes lines with nodes only where there are several tasks', async () => {
  const routes = (tasks: Task[]) => (router: ConnectRouter) => {
    router.service(TaskService, {
      listTasks: () => ({ tasks }),
      async *readLogs() {
        for (const { id, node } of tasks) {
          yield {
            taskId: id,
            node,
            attempt: 1,
            source: LogSource.STDOUT,
            data: new TextEncoder().encode('x'),
          };
        }
      },
    });
  };
  assert.equal((await call(routes([one]), ['logs', 'a'])).stdout, 'x\n');
  assert.equal((await call(routes([one, two]), ['logs', 'a', 'b'])).stdout, 'node10: x\nnode2: x\n');
  const twin = makeTask('cccccccccc', 'node2');
  assert.equal(
    (await call(routes([twin, two]), ['logs', 'a'])).stdout,
    'node2 cccccccccc: x\nnode2 bbbbbbbbbb: x\n',
  );
});

for (const [words, signal, scope] of [
  [['kill', '4711'], 'SIGINT', SignalScope.LEADER],
  [['kill', '--force', '4711'], 'SIGKILL', SignalScope.TREE],
  [['kill', '-s', 'HUP', '--group', '4711'], 'SIGHUP', SignalScope.GROUP],
  [['kill', '-s', '9', '--tree', '4711'], 'SIGKILL', SignalScope.TREE],
] as const) {
  test(`${words.join(' ')} sends ${signal}`, async () => {
    const requests: SignalTasksRequest[] = [];
    const routes = (router: ConnectRouter) => {
      router.service(TaskService, {
        signalTasks(request) {
          requests.push(request);
          return { results: [{ taskId: one.id, node: one.node, pid: 4711 }] };
        },
      });
    };
    const { stdout, code } = await call(routes, words, { selection: 'node10' });
    assert.deepEqual([requests[0]?.signal, requests[0]?.scope], [signal, scope]);
    assert.deepEqual(requests[0]?.query?.refs, ['4711']);
    assert.equal(requests[0]?.query?.nodes, 'node10');
    assert.equal(stdout, `sent ${signal} to aaaaaaaaaa on node10 (pid 4711)\n`);
    assert.equal(code, 0);
  });
}

test('kill says where the signal did not arrive, and exits with 5', async () => {
  const routes = (router: ConnectRouter) => {
    router.service(TaskService, {
      signalTasks: () => ({ results: [{ taskId: one.id, node: one.node, error: 'the task has ended' }] }),
    });
  };
  const { code, stderr } = await call(routes, ['kill', 'a']);
  assert.deepEqual([code, stderr], [5, 'drover: aaaaaaaaaa on node10: the task has ended\n']);
});

for (const command of ['kill', 'stop', 'wait', 'logs', 'inspect']) {
  test(`${command} without a task exits with 2`, async () => {
    const { code, stderr } = await call(() => {}, [command]);
    assert.equal(code, 2);
    assert.match(stderr, new RegExp(`^drover ${command}: which task`));
  });
}

/** What `promise` gives, while time passes: the news that it waits for travels over a real connection. */
async function settledAfter<T>(promise: Promise<T>, clock: FakeClock, stepMs: number): Promise<T> {
  const settled = promise.then(() => true);
  while (!(await Promise.race([settled, new Promise<false>((resolve) => setImmediate(resolve, false))]))) {
    await clock.advance(stepMs);
  }
  return await promise;
}

test('wait gives up tasks whose node stays away, and exits with 4', async () => {
  const clock = new FakeClock(nowMs);
  const waiting = Promise.withResolvers<void>();
  await using api = await startFakeApi((router) => {
    router.service(TaskService, {
      async *followTasks(_, { signal }) {
        const value = makeTask('aaaaaaaaaa', 'node1', { freshness: Freshness.STALE });
        yield create(FollowTasksResponseSchema, { kind: { case: 'selected', value: 1 } });
        yield create(FollowTasksResponseSchema, { kind: { case: 'task', value } });
        waiting.resolve();
        await new Promise((resolve) => signal.addEventListener('abort', resolve));
      },
    });
  });
  using made = createTestContext({ access: api.access, clock });
  const code = callCommand(made.context, ['wait', 'a']);
  await waiting.promise;
  assert.equal(await settledAfter(code, clock, staleGraceMs / 4), 4);
  assert.equal(made.printed.stderr(), '1 unreachable\nunreachable: node1\n');
});

test('stop gives up what SIGKILL does not end, names it, and exits with 5', async () => {
  const clock = new FakeClock(nowMs);
  const told = Promise.withResolvers<void>();
  await using api = await startFakeApi((router) => {
    router.service(TaskService, {
      stopTasks: () => ({ results: [{ taskId: 'aaaaaaaaaa', node: 'node1' }] }),
      async *followTasks(_, { signal }) {
        const value = makeTask('aaaaaaaaaa', 'node1', {
          state: TaskState.STOPPING,
          reason: 'SIGKILL was sent 4 s ago, still there: cp 6 (D: waits in the kernel)',
          attempts: [{ survivors: [{ pid: 6, command: 'cp', state: 'D' }] }],
        });
        yield create(FollowTasksResponseSchema, { kind: { case: 'selected', value: 1 } });
        yield create(FollowTasksResponseSchema, { kind: { case: 'task', value } });
        told.resolve();
        await new Promise((resolve) => signal.addEventListener('abort', resolve));
      },
    });
  });
  using made = createTestContext({ access: api.access, clock });
  const code = callCommand(made.context, ['stop', 'a']);
  await told.promise;
  assert.equal(await settledAfter(code, clock, survivorsGraceMs / 4), 5);
  assert.equal(
    made.printed.stderr(),
    [
      '1 not ended',
      'not ended: node1',
      'node1: SIGKILL was sent 4 s ago, still there: cp 6 (D: waits in the kernel)',
      '',
    ].join('\n'),
  );
});

test('nodes says when most of them were lost at once', async () => {
  const { stderr, code } = await call(
    (router) => {
      router.service(NodeService, {
        listNodes: () => ({
          nodes: [{ name: 'a' }],
          massLoss: { gone: 4, of: 6, at: timestampFromMs(nowMs) },
        }),
      });
    },
    ['nodes'],
  );
  assert.equal(code, 0);
  assert.match(stderr, /^drover: 4 of 6 nodes were lost within a minute, at \S+: rather the network/);
});

test('nodes lists how the controller stands to them', async () => {
  const routes = (router: ConnectRouter) => {
    router.service(NodeService, {
      listNodes: () => ({
        nodes: [
          {
            name: 'node1',
            state: NodeState.CONNECTED,
            seenAt: timestampFromMs(nowMs - 3_000),
            activeTasks: 3,
            labels: { role: 'web', gpu: '' },
          },
          { name: 'node2', state: NodeState.LOST, seenAt: timestampFromMs(nowMs - 7_200_000) },
        ],
      }),
    });
  };
  const { stdout } = await call(routes, ['nodes']);
  assert.equal(
    stdout,
    [
      'NODE   STATE      TASKS       SEEN  HOST  LABELS',
      'node1  connected      3   3.0s ago  -     gpu=,role=web',
      'node2  lost           0  2h00m ago  -     -',
      '',
    ].join('\n'),
  );
});

for (const words of [
  ['nodes', 'web[1-3'],
  ['usage', '-w', 'web[1-3'],
  ['run', '-w', 'web1', '-x', 'web[1-3', '--', 'true'],
  ['join-token', 'create', '--names', 'web[1-3'],
]) {
  test(`${words.join(' ')} points at the character on a terminal, and asks nobody`, async () => {
    const line = 'drover: node set "web[1-3" ends inside brackets at character 8\n';
    const piped = await call(() => {}, words);
    assert.deepEqual([piped.code, piped.stderr], [2, line]);
    const { stderr } = await call(() => {}, words, { columns: 80 });
    assert.equal(stderr, `${line}  web[1-3\n         ^\n`);
  });
}

test('nodes -l asks for labels, and points at the character where they are malformed', async () => {
  const asked: unknown[] = [];
  const routes = (router: ConnectRouter) => {
    router.service(NodeService, {
      listNodes({ nodes, selector }) {
        asked.push([nodes, selector]);
        return { nodes: [{ name: 'node1' }] };
      },
    });
  };
  assert.equal((await call(routes, ['nodes', 'web*', '-l', 'role in (web), !spot'])).code, 0);
  assert.deepEqual(asked, [['web*', 'role in (web), !spot']]);
  const { code, stderr } = await call(() => {}, ['nodes', '-l', 'role in web'], { columns: 80 });
  assert.equal(code, 2);
  assert.match(stderr, /^drover: label selector "role in web" has "w" where .*\n {2}role in web\n {10}\^\n$/);
});

test('join-token create prints the token and the command for the other machine', async () => {
  const routes = (router: ConnectRouter) => {
    router.service(JoinTokenService, {
      createJoinToken: () => ({ token: 'dv1.a.b.c', recorded: { id: 'a', usesLeft: 1 } }),
    });
    router.service(ClusterService, { getCluster: () => ({ agentAddress: '127.0.0.1:7444' }) });
  };
  const { lines, stderr } = await call(routes, ['join-token', 'create']);
  assert.equal(lines[0], 'dv1.a.b.c');
  assert.match(lines[1] ?? '', /^drover agent --join dv1\.a\.b\.c --controller 127\.0\.0\.1:\d+$/);
  assert.match(stderr, /is a secret/);
  assert.match(stderr, /listens on this machine only/);
});

test('a refusal by the API is one line and its exit code', async () => {
  const routes = (router: ConnectRouter) => {
    router.service(TaskService, {
      getTask() {
        throw refusal('AMBIGUOUS_TASK', '"a" fits several tasks: aaaaaaaaaa, abbbbbbbbb');
      },
    });
  };
  const { code, stderr } = await call(routes, ['inspect', 'a']);
  assert.deepEqual([code, stderr], [2, 'drover: "a" fits several tasks: aaaaaaaaaa, abbbbbbbbb\n']);
});

for (const [typed, meant] of [
  ['rnu', 'run'],
  ['pid', 'ps'],
  ['sKill', 'kill --force'],
  ['lst', 'nodes'],
] as const) {
  test(`${typed} is no command: it offers ${meant} and exits with 2`, async () => {
    const { code, stderr } = await call(() => {}, [typed]);
    const line = `drover: there is no command ${JSON.stringify(typed)}: did you mean drover ${meant}?\n`;
    assert.deepEqual([code, stderr], [2, line]);
  });
}

test('join-token --help is the help of all that begins so', async () => {
  const { code, stdout } = await call(() => {}, ['join-token', '--help']);
  assert.equal(code, 0);
  for (const name of ['create', 'list', 'revoke'])
    assert.match(stdout, new RegExp(`^usage: drover join-token ${name} `, 'm'));
});

test('help at the prompt has the old words too', async () => {
  const { stdout } = await call(() => {}, ['help'], { selection: '@all' });
  for (const word of ['list', 'execute', 'pid', 'sKill', 'getrusage', 'exit'])
    assert.match(stdout, new RegExp(`^  ${word}\\b`, 'm'));
  assert.doesNotMatch((await call(() => {}, ['help'])).stdout, /getrusage/);
});

test('help lists every command within the width, and each has its own', async () => {
  const { stdout } = await call(() => {}, ['help'], { columns: 60 });
  using made = createTestContext();
  for (const { syntax, hidden } of made.context.commands) {
    assert.equal(stdout.includes(`\n  ${syntax.name} `), !hidden, syntax.name);
    assert.ok(syntax.examples.length > 0, syntax.name);
    assert.equal(await callCommand(made.context, [...syntax.name.split(' '), '--help']), 0);
    assert.equal(await callCommand(made.context, ['help', ...syntax.name.split(' ')]), 0);
  }
});
