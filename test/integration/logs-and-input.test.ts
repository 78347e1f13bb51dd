/** Output and input through a real cluster by the commands that people use, with links that are cut meanwhile. */
import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { type TestContext, test } from 'node:test';
import { timestampMs } from '@bufbuild/protobuf/wkt';
import { v7 } from 'uuid';
import { callCommand } from '#cli/call-command.ts';
import { createTestContext } from '#cli/testing/test-context.ts';
import { type LogChunk, LogSource, type Task, TaskState } from '#protocol/gen/drover/v1/task_pb.ts';
import { limits } from '#protocol/limits.ts';
import { accessTo, TestCluster } from '#test/fixture/cluster.ts';
import { SwallowingProxy } from '#test/fixture/swallowing-proxy.ts';
import { temporaryDirectory } from '#test/fixture/temporary-directory.ts';
import { until } from '#test/fixture/until.ts';

/** A way to the cluster's API that the test can cut. */
async function startProxy(cluster: TestCluster) {
  const access = accessTo(cluster.controller);
  const proxy = await SwallowingProxy.start(Number(access.address.split(':').at(-1)));
  return { proxy, access: { ...access, address: `127.0.0.1:${proxy.port}` } };
}

async function launch({ connection }: TestCluster, nodes: string, script: string): Promise<readonly Task[]> {
  const spec = { argv: ['sh', '-c', script] };
  return (await connection.runs.createRun({ id: v7(), nodes, spec })).tasks;
}

async function untilEnded({ connection }: TestCluster, { id }: Task): Promise<void> {
  await until('the task has ended', async () => {
    return (await connection.tasks.getTask({ ref: id })).state === TaskState.ENDED;
  });
}

test('run --stdin gives every node the same bytes, over links to the controller and to a node that are cut', async () => {
  await using cluster = await TestCluster.start(3);
  const { proxy, access } = await startProxy(cluster);
  await using _proxy = proxy;
  const pieces = Array.from({ length: 48 }, () => randomBytes(64 << 10));
  async function* input() {
    for (const [i, piece] of pieces.entries()) {
      if (i === 12 || i === 36) proxy.cut();
      if (i === 24) {
        await cluster.stopNode('node2');
        await cluster.startNode('node2');
      }
      yield piece;
    }
  }
  using made = createTestContext({ access, input: Readable.from(input()) });
  const words = ['run', '-w', 'node[1-3]', '--stdin', '-b', '--', 'sha256sum'];
  const code = await callCommand(made.context, words);
  assert.equal(code, 0, made.printed.stderr());
  const hash = createHash('sha256').update(Buffer.concat(pieces)).digest('hex');
  assert.equal(made.printed.stdout(), `── node[1-3] (3) · exit 0\n${hash}  -\n`);
});

test('logs says which bytes are gone above the quota, and has all others', async () => {
  const logQuota = { streamBytesMax: 256 << 10, nodeBytesMax: limits.logNodeBytesMax };
  await using cluster = await TestCluster.start(1, { logQuota });
  const [task] = await launch(cluster, 'node1', 'seq 1 300000');
  assert.ok(task);
  await untilEnded(cluster, task);
  const written = Buffer.from(Array.from({ length: 300_000 }, (_, i) => `${i + 1}\n`).join(''));
  const chunks: LogChunk[] = [];
  await until('old bytes are given back', async () => {
    chunks.length = 0;
    for await (const chunk of cluster.connection.tasks.readLogs({ query: { refs: [task.id] } })) {
      chunks.push(chunk);
    }
    return (chunks[0]?.goneBytes ?? 0n) > 0n;
  });
  const out = chunks.filter(({ source, data }) => source === LogSource.STDOUT && data.length > 0);
  const gone = Number(out[0]?.goneBytes);
  const data = Buffer.concat(out.map((chunk) => chunk.data));
  assert.equal(gone + data.length, written.length);
  assert.equal(data.equals(written.subarray(gone)), true);
  assert.ok(data.length <= 1.125 * logQuota.streamBytesMax + 8_192, `${data.length} bytes are left`);

  using made = createTestContext({ access: accessTo(cluster.controller) });
  assert.equal(await callCommand(made.context, ['logs', '--raw', task.id]), 0);
  assert.match(made.printed.stderr(), /are gone/);
});

/** Each node prints its name and a number when the test says so. */
function prompted(t: TestContext, count: number) {
  const directory = temporaryDirectory(t);
  const wait = `until [ -e ${directory}/$DROVER_NODE.$i ]; do sleep 0.01; done`;
  const script = `i=0; while [ $i -lt ${count} ]; do ${wait}; echo $DROVER_NODE $i; i=$((i+1)); done`;
  return { script, say: (node: string, i: number) => writeFileSync(join(directory, `${node}.${i}`), '') };
}

test('logs has the lines of several nodes in the order in which they were written', async (t) => {
  await using cluster = await TestCluster.start(3);
  const rounds = 4;
  const { script, say } = prompted(t, rounds);
  const tasks = await launch(cluster, '@all', script);
  const refs = tasks.map(({ id }) => id);
  const { connection } = cluster;
  const read = async (source = LogSource.STDOUT) => {
    const chunks: LogChunk[] = [];
    for await (const chunk of connection.tasks.readLogs({ query: { refs }, source, inTimeOrder: true })) {
      if (chunk.data.length > 0) chunks.push(chunk);
    }
    return chunks;
  };
  const orders = [
    ['node2', 'node3', 'node1'],
    ['node3', 'node1', 'node2'],
  ];
  const expected: string[] = [];
  for (let round = 0; round < rounds; round++) {
    for (const node of orders[round % orders.length] ?? []) {
      say(node, round);
      expected.push(`${node} ${round}`);
      await until('the line is there', async () => {
        return Buffer.concat((await read()).map(({ data }) => data)).includes(`${node} ${round}\n`);
      });
    }
  }
  for (const task of tasks) await untilEnded(cluster, task);
  const chunks = await read();
  assert.deepEqual(
    chunks.map(({ data }) => Buffer.from(data).toString().trimEnd()),
    expected,
  );
  const times = chunks.map(({ writtenAt }) => (writtenAt ? timestampMs(writtenAt) : Number.NaN));
  assert.deepEqual(
    times,
    [...times].sort((a, b) => a - b),
  );

  using made = createTestContext({ access: accessTo(cluster.controller) });
  assert.equal(await callCommand(made.context, ['logs', ...refs]), 0);
  const lines = made.printed.stdout().trimEnd().split('\n');
  assert.deepEqual(
    lines.map((line) => line.replace(/^.*?: */, '')),
    expected,
  );
});

test('logs -f goes on at the very byte after its link was cut, and after the node was away', async (t) => {
  await using cluster = await TestCluster.start(1);
  const { proxy, access } = await startProxy(cluster);
  await using _proxy = proxy;
  const directory = temporaryDirectory(t);
  // Ends in the midst of a line each time it waits.
  const part = (i: number) => `seq ${i}00001 ${i}20000; printf half`;
  const wait = (i: number) => `until [ -e ${directory}/${i} ]; do sleep 0.01; done; echo ${i}`;
  const [task] = await launch(cluster, 'node1', [1, 2, 3].map((i) => `${part(i)}; ${wait(i)}`).join('; '));
  assert.ok(task);
  const number = (i: number) => Array.from({ length: 20_000 }, (_, n) => `${i * 100_000 + n + 1}\n`).join('');
  const expected = [1, 2, 3].map((i) => `${number(i)}half${i}\n`).join('');

  using made = createTestContext({ access });
  const following = callCommand(made.context, ['logs', '-f', '--raw', task.id]);
  const cuts = [
    () => proxy.cut(),
    async () => {
      await cluster.stopNode('node1');
      await cluster.startNode('node1');
    },
    () => proxy.cut(),
  ];
  let from = 0;
  for (const [i, cut] of cuts.entries()) {
    from += number(i + 1).length + 'half'.length;
    await until('all of it has come', () => made.printed.stdout().length >= from);
    await cut();
    writeFileSync(join(directory, `${i + 1}`), '');
    from += 2;
  }
  assert.equal(await following, 0, made.printed.stderr());
  assert.equal(made.printed.stdout() === expected, true);
  assert.match(made.printed.stderr(), /lost the controller/);
});
