import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { create } from '@bufbuild/protobuf';
import type { ConnectRouter } from '@connectrpc/connect';
import { callWithApi } from '#cli/testing/call-with-api.ts';
import { makeTask } from '#cli/testing/fake-api.ts';
import { FakeTerminal } from '#cli/testing/fake-terminal.ts';
import { exited, skipped, unreachable } from '#core/outcome.ts';
import {
  type CreateRunRequest,
  FollowTasksResponseSchema,
  NodeService,
  RunService,
  TaskService,
} from '#protocol/gen/drover/v1/api_pb.ts';
import { Cause, type Outcome, type Task, TaskState } from '#protocol/gen/drover/v1/task_pb.ts';
import { temporaryDirectory } from '#test/fixture/temporary-directory.ts';

const names = Array.from({ length: 12 }, (_, i) => `node${i + 1}`);
const old = '0190f0a0-0000-7000-8000-000000000001';

function labelsOf(index: number): Record<string, string> {
  return index % 2 === 1 ? { role: 'web' } : {};
}

function ended(node: string, outcome: Outcome, cause: Cause = Cause.ITSELF): Task {
  return makeTask(`task-${node}`, node, { state: TaskState.ENDED, outcome, cause });
}

/** A cluster of twelve nodes, of which the even ones are labelled; every run succeeds. */
function cluster(requests: CreateRunRequest[], past: Task[] = []) {
  return (router: ConnectRouter) => {
    router.service(NodeService, {
      listNodes: () => ({
        nodes: names.map((name, i) => ({ name, labels: labelsOf(i) })),
      }),
    });
    router.service(RunService, {
      createRun(request) {
        requests.push(request);
        return { run: { id: request.id }, tasks: [] };
      },
      getRun: () => ({
        id: old,
        name: 'nightly',
        spec: { argv: ['backup', '--to', 'a b'] },
        pacing: { maxConcurrency: 2 },
      }),
    });
    router.service(TaskService, {
      listTasks: () => ({ tasks: past }),
      async *followTasks() {
        yield create(FollowTasksResponseSchema, { kind: { case: 'selected', value: 1 } });
        yield create(FollowTasksResponseSchema, {
          kind: { case: 'task', value: ended('node1', exited(0)) },
        });
      },
    });
  };
}

test('run asks before it launches on more than ten nodes, and launches on those it has shown', async () => {
  for (const [answer, code] of [
    ['y', 0],
    ['n', 1],
    ['\r', 1],
    ['interrupt', 130],
  ] as const) {
    const requests: CreateRunRequest[] = [];
    const terminal = new FakeTerminal(async () => answer);
    const called = await callWithApi(cluster(requests), ['run', '-a', 'ls', 'a b'], { terminal });
    assert.equal(called.code, code);
    assert.ok(called.stderr.startsWith("ls 'a b'\non node[1-12] (12 nodes)\n"), called.stderr);
    assert.deepEqual(
      requests.map(({ nodes }) => nodes),
      answer === 'y' ? ['node[1-12]'] : [],
    );
    if (answer !== 'y') assert.match(called.stderr, /drover: nothing was launched\n$/);
  }
});

test('run does not ask with --yes, without a terminal, of a few nodes, or of what the prompt has selected', async () => {
  const neverAsked = new FakeTerminal(async () => assert.fail('it asked'));
  for (const [words, options] of [
    [['-a', '--yes'], { terminal: neverAsked }],
    [['-a'], {}],
    [['-w', 'node[1-10]'], { terminal: neverAsked }],
    [['-l', 'role=web'], { terminal: neverAsked }],
    [[], { terminal: neverAsked, selection: '@all' }],
  ] as const) {
    const requests: CreateRunRequest[] = [];
    const { code, stderr } = await callWithApi(cluster(requests), ['run', ...words, '--', 'ls'], options);
    assert.equal(code, 0, stderr);
    assert.equal(requests.length, 1);
  }
});

test('run --preview says what would run where, and launches nothing', async () => {
  const requests: CreateRunRequest[] = [];
  const call = (...words: string[]) =>
    callWithApi(cluster(requests), ['run', ...words, '--preview', 'ls', 'a b']);
  const shown = await call('-a', '-x', 'node[2-11]');
  assert.deepEqual([shown.code, shown.stdout], [0, "ls 'a b'\non node[1,12] (2 nodes)\n"]);
  const paced = await call('-a', '--max-concurrency', '25%', '--batch-sleep', '5', '--max-errors', '1');
  assert.equal(
    paced.lines[1],
    'on node[1-12] (12 nodes), 3 at once, a pause of 5.0s, until more than 1 failed',
  );
  assert.equal((await call('-w', 'node[1-2]', '-o', 'name')).stdout, 'node1\nnode2\n');
  const json = JSON.parse((await call('-l', 'role=web', '-o', 'json')).stdout);
  assert.deepEqual([json.nodes, json.spec.argv], ['node[2,4,6,8,10,12]', ['ls', 'a b']]);
  assert.equal((await call('-l', 'role=db')).code, 6);
  const missing = await call('-w', 'node*,web7');
  assert.deepEqual([missing.code, missing.stderr], [6, 'drover: no such node: web7\n']);
  assert.equal(requests.length, 0);
});

test('run sends a selector as it is, and names where they have to be found', async (t) => {
  const file = join(temporaryDirectory(t), 'hosts');
  await writeFile(file, '# some\nnode[3-4]\nnode9!node9\n');
  const requests: CreateRunRequest[] = [];
  const call = (...words: string[]) => callWithApi(cluster(requests), ['run', ...words, 'ls']);
  await call('-a', '-l', 'role=web', '-x', 'node2');
  await call('-w', 'node1', '--hostfile', file);
  await call('-l', 'role=web', '--pick', '2');
  const [selected, fromFile, picked] = requests;
  assert.deepEqual([selected?.nodes, selected?.selector, selected?.exclude], ['@all', 'role=web', 'node2']);
  assert.deepEqual([fromFile?.nodes, fromFile?.selector], ['node[1,3-4]', '']);
  assert.match(picked?.nodes ?? '', /^node\[\d+,\d+\]$/);
  assert.equal(picked?.selector, '');
});

test('run exits with 2 where no node is named, and with 6 where none is left', async () => {
  const call = (...words: string[]) => callWithApi(cluster([]), ['run', ...words]);
  assert.equal((await call('ls')).code, 2);
  assert.equal((await call('--pick', '2', 'ls')).code, 2);
  assert.equal((await call('-w', 'node1', '--hostfile', '/nowhere/at/all', 'ls')).code, 2);
  assert.equal((await call('-l', 'role=db', '--pick', '1', 'ls')).code, 6);
});

const past = [
  ended('node1', exited(0)),
  ended('node2', exited(3)),
  ended('node3', exited(0), Cause.TIMEOUT),
  ended('node4', unreachable('gone', undefined)),
  ended('node5', skipped('2 failed, and at most 1 may')),
  makeTask('task-node6', 'node6'),
];

for (const [words, nodes] of [
  [['--failed'], 'node[2-3]'],
  [['--unreachable'], 'node4'],
  [['--failed', '--skipped'], 'node[2-3,5]'],
  [['--all'], 'node[1-6]'],
] as const) {
  test(`rerun ${words.join(' ')} launches the same on ${nodes}`, async () => {
    const requests: CreateRunRequest[] = [];
    const { code } = await callWithApi(cluster(requests, past), ['rerun', '0190', ...words]);
    assert.equal(code, 0);
    const [request] = requests;
    assert.deepEqual(
      [request?.nodes, request?.name, request?.spec?.argv, request?.pacing?.maxConcurrency],
      [nodes, 'nightly', ['backup', '--to', 'a b'], 2],
    );
    assert.notEqual(request?.id, old);
  });
}

test('rerun exits with 2 where nothing is asked for, and with 6 where no node is left', async () => {
  const call = (...words: string[]) => callWithApi(cluster([], past.slice(0, 1)), ['rerun', ...words]);
  for (const words of [[], ['0190'], ['0190', '--all', '--failed']]) {
    assert.equal((await call(...words)).code, 2);
  }
  const none = await call('0190', '--failed');
  assert.deepEqual([none.code, none.stderr], [6, `drover: no node of run ${old} is to run it again\n`]);
});
