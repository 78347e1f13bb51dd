import assert from 'node:assert/strict';
import { test } from 'node:test';
import { LogSource, TaskState } from '#protocol/gen/drover/v1/task_pb.ts';
import { until } from '#test/fixture/until.ts';
import { ChaosCluster } from './chaos-cluster.ts';
import { prints } from './commands.ts';
import { footprintOf } from './processes.ts';
import { readPrinted } from './recorder.ts';

/** Tasks that are followed at once. */
const tasks = 4;

/** Some 14 MB each. */
const lines = 2_000_000;

/** What a node keeps of each; eight times that where somebody follows and is behind. */
const quotaBytes = 512 << 10;

/** What a stalled reader may cost a daemon: its windows and buffers, and what the garbage collector has not looked at. */
const costBytesMax = 64 << 20;

test('22: a reader of logs stalls: memory is bounded, the tasks go on, and a marker says what is gone', async (t) => {
  const cluster = await ChaosCluster.start(t, { agentArgs: ['--log-quota', `${quotaBytes}`] });
  const command = prints(lines, 10);
  const ids = await cluster.launch(command, { count: tasks });
  await cluster.untilState(TaskState.RUNNING);
  const daemons = [cluster.controller, cluster.agent()].map(({ pid = 0 }) => pid);

  const read = new Map<string, { bytes: number; gone: number }>();
  const request = { query: { refs: ids }, source: LogSource.STDOUT, follow: true };
  const chunks = cluster.api.tasks.readLogs(request)[Symbol.asyncIterator]();
  const take = async () => {
    const { done, value } = await chunks.next();
    if (done) return false;
    const { bytes, gone } = read.get(value.taskId) ?? { bytes: 0, gone: 0 };
    read.set(value.taskId, { bytes: bytes + value.data.length, gone: gone + Number(value.goneBytes) });
    return true;
  };
  while (read.size < tasks) await take();

  // From now on nobody takes anything.
  const before = daemons.map((pid) => footprintOf(pid).residentBytes);
  await cluster.gate.open();
  await cluster.untilState(TaskState.ENDED);
  const whole = command.stdout.length;
  await until('most of it is gone', async () => {
    const printed = await readPrinted(cluster.api, ids);
    return [...printed.values()].every(({ gone }) => gone > whole / 2);
  });
  const cost = daemons.map((pid, i) => footprintOf(pid).residentBytes - (before[i] ?? 0));
  t.diagnostic(`controller and agent hold ${cost} bytes more`);
  assert.ok(Math.max(...cost) < costBytesMax, `they hold ${cost} bytes more`);

  while (await take());
  for (const { bytes, gone } of read.values()) {
    assert.equal(bytes + gone, whole);
    assert.ok(gone > whole / 2, `${gone} of ${whole} bytes are gone`);
  }
  await cluster.verify();
});
