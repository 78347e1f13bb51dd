/** `drover logs` over a real connection: what it asks for, and what it does when that is cut. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { create, type MessageInitShape } from '@bufbuild/protobuf';
import { timestampFromMs } from '@bufbuild/protobuf/wkt';
import type { ConnectRouter } from '@connectrpc/connect';
import { callCommand } from '#cli/call-command.ts';
import { callWithApi } from '#cli/testing/call-with-api.ts';
import { makeTask, startFakeApi } from '#cli/testing/fake-api.ts';
import { createTestContext } from '#cli/testing/test-context.ts';
import { type ReadLogsRequest, TaskService } from '#protocol/gen/drover/v1/api_pb.ts';
import { LogChunkSchema, LogSource, type Task } from '#protocol/gen/drover/v1/task_pb.ts';
import { limits } from '#protocol/limits.ts';

const { STDOUT, STDERR } = LogSource;
const one = makeTask('aaaaaaaaaa', 'node1', { attempts: [{ number: 1 }, { number: 2 }] });
const two = makeTask('bbbbbbbbbb', 'node2', { attempts: [{ number: 1 }] });

function chunk(
  { id: taskId, node }: Task,
  text: string,
  init: Omit<MessageInitShape<typeof LogChunkSchema>, '$typeName'> = {},
) {
  const data = new TextEncoder().encode(text);
  return create(LogChunkSchema, { taskId, node, attempt: 2, source: STDOUT, data, ...init });
}

type ChunkInit = ReturnType<typeof chunk>;

/** An API with these tasks, whose logs are what `answer` gives to each request. */
function api(tasks: Task[], answer: (request: ReadLogsRequest) => AsyncIterable<ChunkInit> | ChunkInit[]) {
  const requests: ReadLogsRequest[] = [];
  const routes = (router: ConnectRouter) => {
    router.service(TaskService, {
      listTasks: () => ({ tasks }),
      async *readLogs(request) {
        requests.push(request);
        yield* answer(request);
      },
    });
  };
  return { routes, requests };
}

test('logs asks for the order of writing wherever there is more than one output', async () => {
  const cases: [string[], Task[], boolean][] = [
    [[], [one], true],
    [['--stdout'], [one], false],
    [['--stdout', '-t'], [one], true],
    [['--stderr'], [one, two], true],
    [['--raw', '--stdout'], [one], false],
    [['--stdout', '-o', 'jsonl'], [one], true],
  ];
  for (const [options, tasks, ordered] of cases) {
    const { routes, requests } = api(tasks, () => []);
    await callWithApi(routes, ['logs', ...options, 'k']);
    assert.equal(requests[0]?.inTimeOrder, ordered, options.join(' '));
  }
});

test('logs of more tasks than can be ordered says so, and refuses their times', async () => {
  const tasks = Array.from({ length: limits.logMergeTasksMax + 1 }, (_, i) => makeTask(`task${i}`, `n${i}`));
  const { routes, requests } = api(tasks, () => []);
  const { stderr, code } = await callWithApi(routes, ['logs', 'k']);
  assert.equal(code, 0);
  assert.equal(
    stderr,
    'drover: 257 tasks are more than can be ordered by time (256): lines come as they arrive\n',
  );
  assert.equal(requests[0]?.inTimeOrder, false);
  const refused = await callWithApi(routes, ['logs', '-t', 'k']);
  assert.equal(refused.code, 2);
  assert.match(refused.stderr, /^drover: --timestamps is for 256 tasks at the most, and these are 257\n$/);
});

test('logs -o jsonl prints chunks as they are, and that it has caught up', async () => {
  const writtenAt = timestampFromMs(1_700_000_000_042);
  const answer = [
    chunk(one, 'x', { writtenAt, goneBytes: 7n, offset: 7n }),
    create(LogChunkSchema, { taskId: one.id, node: one.node, attempt: 2, caughtUp: true }),
  ];
  const { stdout } = await callWithApi(api([one], () => answer).routes, ['logs', '-o', 'jsonl', 'k']);
  const [first, second] = stdout
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line));
  assert.deepEqual(
    [first.writtenAt, first.goneBytes, first.offset, first.data],
    ['2023-11-14T22:13:20.042Z', '7', '7', 'eA=='],
  );
  assert.equal(second.caughtUp, true);
});

test('logs --grep prints what matches, under the names of the nodes', async () => {
  const answer = [chunk(one, 'an error\nnothing\n'), chunk(two, 'Error too\n', { attempt: 1 })];
  const { routes } = api([one, two], () => answer);
  const { stdout } = await callWithApi(routes, ['logs', '--grep', '(?i:error)', 'k']);
  assert.equal(stdout, 'node1: an error\nnode2: Error too\n');
});

/** Gives these chunks, and then hangs until the test ends it. */
async function* cutAfter(chunks: ChunkInit[], cut: () => void): AsyncGenerator<ChunkInit> {
  yield* chunks;
  setImmediate(cut);
  await new Promise(() => {});
}

async function readOverCut(tasks: Task[], words: string[], before: ChunkInit[], after: ChunkInit[]) {
  let cut = () => {};
  const { routes, requests } = api(tasks, () =>
    requests.length === 1 ? cutAfter(before, () => cut()) : after,
  );
  await using server = await startFakeApi(routes);
  cut = server.cut;
  using made = createTestContext({ access: server.access });
  const code = await callCommand(made.context, ['logs', ...words, 'k']);
  return { code, requests, stdout: made.printed.stdout(), stderr: made.printed.stderr() };
}

test('logs of one task goes on at the very byte when the connection was cut', async () => {
  const { requests, stdout, stderr, code } = await readOverCut(
    [one],
    ['-f', '-n', '5', '--since', '1h'],
    [chunk(one, 'one\n', { offset: 100n, skippedBytes: 100n }), chunk(one, 'e', { source: STDERR })],
    [chunk(one, 'two\n', { offset: 104n }), chunk(one, 'three\n', { attempt: 3 })],
  );
  const [, again] = requests;
  assert.deepEqual(
    [again?.attempt, again?.fromAttempt, again?.stdoutOffset, again?.stderrOffset, again?.tailLines],
    [0, 2, 104n, 1n, 0],
  );
  assert.deepEqual(again?.since, requests[0]?.since);
  assert.equal(stdout, 'one\ntwo\nthree\n');
  assert.match(stderr, /^drover: lost the controller, /m);
  assert.match(stderr, /^drover: attempt 3 of task aaaaaaaaaa on node1 begins here$/m);
  assert.equal(code, 0);
});

test('logs of several tasks repeats nothing when the connection was cut', async () => {
  const { requests, stdout } = await readOverCut(
    [one, two],
    ['-f'],
    [chunk(one, 'one\n')],
    [
      chunk(one, 'of an attempt before\n', { attempt: 1 }),
      chunk(one, 'one\ntwo\n'),
      chunk(two, 'first\n', { attempt: 1 }),
    ],
  );
  assert.deepEqual([requests[1]?.fromAttempt, requests[1]?.stdoutOffset], [1, 0n]);
  assert.equal(stdout, 'node1: one\nnode1: two\nnode2: first\n');
});

test('logs says of which output bytes may be missing, since its disk was full', async () => {
  const fullAt = { logDiskFullAt: timestampFromMs(1_700_000_000_000) };
  const first = makeTask('cccccccccc', 'node3', { attempts: [{ number: 1, ...fullAt }, { number: 2 }] });
  const second = makeTask('dddddddddd', 'node4', { attempts: [{ number: 1, ...fullAt }] });
  const said = async (...words: string[]) => {
    const { stderr } = await callWithApi(api([first, second], () => []).routes, ['logs', ...words, 'x']);
    return [
      ...stderr.matchAll(/^drover: (\S+): the disk of the logs was full at .*: output may be missing$/gm),
    ].map(([, node]) => node);
  };
  assert.deepEqual(await said(), ['node4']);
  assert.deepEqual(await said('-f'), ['node4']);
  assert.deepEqual(await said('--attempt', '1'), ['node3', 'node4']);
  assert.deepEqual(await said('--attempt', 'all'), ['node3', 'node4']);
  assert.deepEqual(await said('--attempt', '2'), []);
});
