/** What running tasks use, asked through a real cluster of what really runs. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { v7 } from 'uuid';
import { TaskState } from '#protocol/gen/drover/v1/task_pb.ts';
import { TestCluster } from '#test/fixture/cluster.ts';
import { until } from '#test/fixture/until.ts';

test('sampleTasks() counts the processes, the time and the output of what runs, and names a node that is away', async () => {
  await using cluster = await TestCluster.start(2);
  const { runs, tasks } = cluster.connection;
  const script =
    'printf 12345; i=0; while [ $i -lt 200000 ]; do i=$((i+1)); done; sleep 1000 & exec sleep 1000';
  const { run } = await runs.createRun({
    id: v7(),
    nodes: '@all',
    spec: { argv: ['sh', '-c', script] },
  });
  const query = { runId: run?.id ?? '' };
  let answer = await tasks.sampleTasks({ query });
  await until('both tasks have two processes', async () => {
    answer = await tasks.sampleTasks({ query });
    return answer.samples.length === 2 && answer.samples.every(({ processes }) => processes === 2);
  });
  assert.deepEqual(
    answer.tasks.map(({ node, state }) => [node, state]),
    [
      ['node1', TaskState.RUNNING],
      ['node2', TaskState.RUNNING],
    ],
  );
  for (const { threads, userUs, systemUs, rssBytes, outputBytes, sampledAt } of answer.samples) {
    assert.ok(sampledAt);
    assert.equal(threads, 2);
    assert.equal(outputBytes, 5n);
    // Of both, and of a loop of some 100 ms: the kernel counts in ticks of 10 ms, and splits them by guess.
    const cpuUs = userUs + systemUs;
    assert.ok(cpuUs > 0n && cpuUs < 30_000_000n, `${cpuUs} µs`);
    assert.ok(rssBytes > 0n && rssBytes < 1n << 28n, `${rssBytes} bytes`);
  }
  assert.deepEqual(answer.problems, []);

  await cluster.stopNode('node2');
  const away = await tasks.sampleTasks({ query });
  assert.deepEqual(
    [away.samples.length, away.tasks.length, away.problems.map(({ node }) => node)],
    [1, 2, ['node2']],
  );
  await cluster.startNode('node2');
  await tasks.stopTasks({ query, graceMs: 1n });
  await until('nothing runs any more', async () => (await tasks.sampleTasks({ query })).tasks.length === 0);
});
