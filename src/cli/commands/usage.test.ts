/** `drover usage` over a real connection: what it asks, prints and exits with. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { timestampFromMs } from '@bufbuild/protobuf/wkt';
import type { ConnectRouter } from '@connectrpc/connect';
import { callWithApi as call } from '#cli/testing/call-with-api.ts';
import { makeTask } from '#cli/testing/fake-api.ts';
import { exited } from '#core/outcome.ts';
import { NodeService, TaskService } from '#protocol/gen/drover/v1/api_pb.ts';
import { TaskState } from '#protocol/gen/drover/v1/task_pb.ts';

const nowMs = 1_700_000_000_000;

test('usage says which node could not be asked, and exits with 4', async () => {
  const routes = (router: ConnectRouter) => {
    router.service(NodeService, {
      getNodeUsage: () => ({
        nodes: [
          { node: 'node1', children: { userUs: 1_500_000n, maxRssBytes: 2048n } },
          { node: 'node2', error: 'not connected' },
        ],
      }),
    });
  };
  const { code, lines, stderr } = await call(routes, ['usage']);
  assert.match(lines[1] ?? '', /^node1 {2}1\.5s {3}0\.0ms {2}2\.0 KiB/);
  assert.equal(stderr, 'drover: node2: not connected\n');
  assert.equal(code, 4);
});

const used = {
  usage: { userUs: 1_000_000n, systemUs: 500_000n, maxRssBytes: 2048n, blockInputs: 2n, majorFaults: 7n },
  startedAt: timestampFromMs(nowMs - 9_000),
  endedAt: timestampFromMs(nowMs - 6_000),
  state: TaskState.ENDED,
  stdoutBytes: 5n,
};
const again = { number: 2, state: TaskState.RUNNING, pid: 9, startedAt: timestampFromMs(nowMs - 4_000) };
const busy = makeTask('cccccccccc', 'node3', {
  spec: { argv: ['busy'] },
  attempts: [{ number: 1, ...used }, again],
});
const over = makeTask('dddddddddd', 'node1', {
  spec: { argv: ['over'] },
  state: TaskState.ENDED,
  outcome: exited(0),
  attempts: [{ number: 1, ...used }],
});
const busyNow = {
  taskId: busy.id,
  sampledAt: timestampFromMs(nowMs - 1_000),
  userUs: 1_500_000n,
  rssBytes: 4096n,
  outputBytes: 1n,
};

const usageRoutes = (router: ConnectRouter) => {
  router.service(TaskService, {
    sampleTasks: () => ({
      samples: [busyNow],
      tasks: [busy],
      problems: [
        { node: 'node5', error: 'the node is not connected' },
        { node: 'node4', error: 'the node is not connected' },
      ],
    }),
    listTasks: () => ({ tasks: [busy, over] }),
  });
};

test('usage of tasks adds up attempts, what runs now, and all tasks', async () => {
  const { code, stdout, stderr } = await call(usageRoutes, ['usage', 'c', 'd']);
  assert.equal(
    stdout,
    [
      'TASK        NODE   STATE     CPU  CPU%   MEMORY     READ  WRITTEN  OUTPUT  COMMAND',
      'dddddddddd  node1  ended    1.5s   50%  2.0 KiB  1.0 KiB      0 B     5 B  over',
      'cccccccccc  node3  running  3.0s   50%  4.0 KiB        -        -     6 B  busy',
      'all                         4.5s   50%  6.0 KiB        -        -    11 B',
      '',
    ].join('\n'),
  );
  assert.equal(stderr, 'drover: node[4-5]: the node is not connected\n');
  assert.equal(code, 4);
});

test('usage of tasks as JSON has the tasks, their samples and the problems', async () => {
  const whole = JSON.parse((await call(usageRoutes, ['usage', '-o', 'json', 'c'])).stdout);
  assert.deepEqual([whole.tasks.length, whole.samples.length, whole.problems.length], [2, 1, 2]);
  const { lines } = await call(usageRoutes, ['usage', '-o', 'jsonl', 'c']);
  const rows = lines.slice(0, 2).map((line) => JSON.parse(line));
  assert.deepEqual(
    rows.map(({ tasks, samples }) => [tasks[0].id, samples.length]),
    [
      [over.id, 0],
      [busy.id, 1],
    ],
  );
});

test('usage counts a task once that ends between two looks, and says which attempts are not kept', async () => {
  const ended = makeTask(busy.id, busy.node, {
    spec: { argv: ['busy'] },
    state: TaskState.ENDED,
    attempts: [{ number: 200, ...used }],
  });
  const routes = (router: ConnectRouter) => {
    router.service(TaskService, {
      sampleTasks: () => ({ samples: [busyNow], tasks: [busy] }),
      listTasks: () => ({ tasks: [ended] }),
    });
  };
  const { lines, stderr } = await call(routes, ['usage', 'c']);
  assert.match(lines[1] ?? '', /^cccccccccc {2}node3 {2}ended {2}1\.5s {3}50% /);
  assert.equal(lines.length, 3);
  assert.equal(stderr, 'drover: of the 200 attempts of cccccccccc only 1 are kept, and counted here\n');
});

test('usage shows as not known what nobody saw end', async () => {
  const { usage: _, ...unseen } = used;
  const attempts = [{ number: 1, ...unseen }];
  const task = makeTask(over.id, over.node, {
    state: TaskState.ENDED,
    outcome: exited(0),
    spec: { argv: ['over'] },
    attempts,
  });
  const routes = (router: ConnectRouter) => {
    router.service(TaskService, { sampleTasks: () => ({}), listTasks: () => ({ tasks: [task] }) });
  };
  const { lines } = await call(routes, ['usage', '-o', 'wide', 'd']);
  assert.match(lines[1] ?? '', /^dddddddddd {2}node1 {2}ended( +-){5} +5 B( +-){3} +0( +-){4} +1 {2}over$/);
  const { tasks } = JSON.parse((await call(routes, ['usage', '-o', 'json', 'd'])).stdout);
  assert.equal('usage' in tasks[0].attempts[0], false);
});
