import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { readdir, readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { create } from '@bufbuild/protobuf';
import type { ConnectRouter } from '@connectrpc/connect';
import { callWithApi } from '#cli/testing/call-with-api.ts';
import { makeTask } from '#cli/testing/fake-api.ts';
import { exited, skipped } from '#core/outcome.ts';
import {
  type FollowTasksResponse,
  FollowTasksResponseSchema,
  RunService,
  TaskService,
} from '#protocol/gen/drover/v1/api_pb.ts';
import { Cause, LogSource, type Outcome, type Task, TaskState } from '#protocol/gen/drover/v1/task_pb.ts';
import { limits } from '#protocol/limits.ts';
import { temporaryDirectory } from '#test/fixture/temporary-directory.ts';

const { STDOUT, STDERR } = LogSource;

/** What one node prints, and how it ends. */
interface Script {
  readonly node: string;
  readonly stdout?: string;
  readonly stderr?: string;
  readonly goneBytes?: bigint;
  readonly outcome?: Outcome;
}

function scripted(scripts: readonly Script[]) {
  const tasks = scripts.map(({ node }) => makeTask(`task-${node}`, node));
  const news = scripts.flatMap(({ node, stdout, stderr, goneBytes = 0n, outcome = exited(0) }) => [
    ...(stdout === undefined ? [] : [printed(node, STDOUT, Buffer.from(stdout), 0, goneBytes)]),
    ...(stderr === undefined ? [] : [printed(node, STDERR, Buffer.from(stderr))]),
    ended(node, outcome),
  ]);
  return cluster(tasks, () => news);
}

function cluster(tasks: Task[], news: () => Iterable<FollowTasksResponse>) {
  return (router: ConnectRouter) => {
    router.service(RunService, { createRun: ({ id }) => ({ run: { id }, tasks }) });
    router.service(TaskService, {
      async *followTasks() {
        yield create(FollowTasksResponseSchema, { kind: { case: 'selected', value: tasks.length } });
        yield* news();
      },
    });
  };
}

function printed(node: string, source: LogSource, data: Uint8Array, offset = 0, goneBytes = 0n) {
  const value = { taskId: `task-${node}`, node, attempt: 1, source, offset: BigInt(offset), data, goneBytes };
  return create(FollowTasksResponseSchema, { kind: { case: 'log', value } });
}

function ended(node: string, outcome: Outcome) {
  const value = makeTask(`task-${node}`, node, { state: TaskState.ENDED, outcome, cause: Cause.ITSELF });
  return create(FollowTasksResponseSchema, { kind: { case: 'task', value } });
}

const fleet: readonly Script[] = [
  { node: 'node1', stdout: 'kernel 6.1\nup 10 days' },
  { node: 'node2', stdout: 'kernel 6.1\nup 10 days\n', stderr: 'warning\n' },
  { node: 'node3', stdout: 'kernel 6.1\nup 12 days\n', outcome: exited(1) },
  { node: 'node4', outcome: skipped('1 failed, and at most 0 may') },
];

const footer = [
  '2 succeeded · 1 failed (exit 1) · 1 skipped',
  'exit 1: node3',
  'skipped: 1 failed, and at most 0 may: node4',
];

test('run -b shows equal output once, standard error as it comes, and outliers last', async () => {
  const { code, stdout, stderr } = await callWithApi(scripted(fleet), ['run', '-a', '-b', 'x']);
  assert.deepEqual(stdout.trimEnd().split('\n'), [
    '── node[1-2] (2) · exit 0',
    'kernel 6.1',
    'up 10 days',
    '── node3 (1) · exit 1',
    'kernel 6.1',
    'up 12 days',
  ]);
  assert.deepEqual(stderr.trimEnd().split('\n'), ['node2: warning', ...footer]);
  assert.equal(code, 5);
});

test('run -B folds standard error too', async () => {
  const { stdout, stderr } = await callWithApi(scripted(fleet.slice(0, 2)), ['run', '-a', '-B', 'x']);
  assert.deepEqual(stdout.trimEnd().split('\n'), [
    '── node1 (1) · exit 0',
    'kernel 6.1',
    'up 10 days',
    '── node2 (1) · exit 0',
    'kernel 6.1',
    'up 10 days',
    '── standard error',
    'warning',
  ]);
  assert.equal(stderr, '2 succeeded\n');
});

test('run --diff shows of the smaller groups what differs from the largest', async () => {
  const { lines } = await callWithApi(scripted(fleet), ['run', '-a', '--diff', 'x']);
  assert.deepEqual(lines.slice(3, 8), [
    '── node3 (1) · exit 1 · against node[1-2]',
    '@@ -1,2 +1,2 @@',
    ' kernel 6.1',
    '-up 10 days',
    '+up 12 days',
  ]);
});

test('run --similar shows output once that differs in numbers only', async () => {
  const same = fleet.slice(0, 3).map(({ outcome: _, ...script }) => script);
  const { lines } = await callWithApi(scripted(same), ['run', '-a', '--similar', 'x']);
  assert.deepEqual(lines, ['── node[1-3] (3) · exit 0', 'kernel 6.1', 'up <number> days', '']);
});

test('run -b says in the output what is missing of it, and takes control sequences out', async () => {
  const scripts = [
    { node: 'node1', stdout: '\u001b]0;title\u0007late\n', goneBytes: 512n },
    { node: 'node2', stdout: 'late\n' },
  ];
  const { lines } = await callWithApi(scripted(scripts), ['run', '-a', '-b', 'x']);
  assert.deepEqual(lines, [
    '── node1 (1) · exit 0',
    'drover: 512 bytes are gone here',
    'late',
    '── node2 (1) · exit 0',
    'late',
    '',
  ]);
});

test('run --outdir writes the very bytes of each node to files of its own, and nothing of another run', async (t) => {
  const directory = join(temporaryDirectory(t), 'deep', 'out');
  await callWithApi(scripted([{ node: 'node1', stderr: 'old\n' }]), [
    'run',
    '-a',
    '--outdir',
    directory,
    'x',
  ]);
  assert.equal(await readFile(join(directory, 'node1.err'), 'utf8'), 'old\n');
  const scripts = [{ node: 'node1', stdout: '\u001b[31mred' }, { node: 'node2' }];
  const { code, stdout, stderr } = await callWithApi(scripted(scripts), [
    'run',
    '-a',
    '--outdir',
    directory,
    'x',
  ]);
  assert.deepEqual([code, stdout, stderr], [0, '', '2 succeeded\n']);
  assert.deepEqual((await readdir(directory)).sort(), ['node1.err', 'node1.out', 'node2.err', 'node2.out']);
  assert.equal(await readFile(join(directory, 'node1.out'), 'utf8'), '\u001b[31mred');
  assert.equal(await readFile(join(directory, 'node1.err'), 'utf8'), '');
});

test('run --outdir that cannot be made is exit code 2, and nothing is launched', async (t) => {
  const file = join(temporaryDirectory(t), 'file');
  await writeFile(file, '');
  const routes = (router: ConnectRouter) => {
    router.service(RunService, { createRun: () => assert.fail('it launched') });
  };
  const { code, stderr } = await callWithApi(routes, ['run', '-a', '--outdir', join(file, 'x'), 'x']);
  assert.deepEqual([code, stderr], [2, `drover: --outdir: cannot make ${join(file, 'x')}: ENOTDIR\n`]);
});

const mebibyte = 1 << 20;

/** A MiB of each of so many nodes in turns, in the largest chunks that there are. */
function* flood(nodes: readonly string[]): Generator<FollowTasksResponse> {
  for (let offset = 0; offset < mebibyte; offset += limits.logChunkBytesMax) {
    const size = Math.min(limits.logChunkBytesMax, mebibyte - offset);
    for (const node of nodes) {
      const line = `${node} ${offset} `.padEnd(63, 'x');
      yield printed(node, STDOUT, Buffer.from(`${line}\n`.repeat(size / 64)), offset);
    }
  }
  for (const node of nodes) yield ended(node, exited(0));
}

for (const [how, options, count] of [
  ['200 nodes arrives whole into files', ['--outdir'], 200],
  ['64 nodes arrives whole into files and folded, twice as much as memory keeps,', ['-b', '--outdir'], 64],
] as const) {
  test(`1 MiB from each of ${how} in bounded memory`, async (t) => {
    const nodes = Array.from({ length: count }, (_, i) => `node${i + 1}`);
    const tasks = nodes.map((node) => makeTask(`task-${node}`, node));
    const directory = temporaryDirectory(t);
    let most = 0;
    const before = process.memoryUsage.rss();
    const watched = function* () {
      for (const news of flood(nodes)) {
        most = Math.max(most, process.memoryUsage.rss() - before);
        yield news;
      }
    };
    const words = ['run', '-a', ...options, directory, 'x'];
    const { code, stdout } = await callWithApi(cluster(tasks, watched), words);
    assert.equal(code, 0);
    if (options.length > 1) checkFolded(stdout, nodes);
    for (const node of ['node1', `node${count}`]) {
      const path = join(directory, `${node}.out`);
      assert.equal((await stat(path)).size, mebibyte);
      const whole = createHash('sha256');
      for (const { kind } of flood([node])) if (kind.case === 'log') whole.update(kind.value.data);
      assert.equal(
        createHash('sha256')
          .update(await readFile(path))
          .digest('hex'),
        whole.digest('hex'),
      );
    }
    t.diagnostic(`${Math.round(most / mebibyte)} MiB more at the most`);
    // Up to 200 MiB went through; the sender, in the same process, is in this too.
    assert.ok(most < 190 * mebibyte, `${most / mebibyte} MiB`);
  });
}

/** Every node's block has every line, also beyond what memory keeps. */
function checkFolded(stdout: string, nodes: readonly string[]): void {
  const blocks = stdout.split('── ').slice(1);
  assert.deepEqual(
    blocks.map((block) => block.split(' ', 1)[0]),
    nodes,
  );
  for (const [i, block] of blocks.entries()) {
    const [, ...lines] = block.trimEnd().split('\n');
    assert.equal(lines.length, mebibyte / 64);
    assert.ok(lines.every((line) => line.startsWith(`${nodes[i]} `)));
  }
}
