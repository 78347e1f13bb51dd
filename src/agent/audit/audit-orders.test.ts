import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { create } from '@bufbuild/protobuf';
import { FakeWorkload } from '#agent/testing/fake-workload.ts';
import { RefusedOrderError } from '#agent/workload.ts';
import { FakeClock } from '#base/clock.ts';
import { OpenInputSchema, OpenLogSchema, StartSchema } from '#protocol/gen/drover/v1/link_pb.ts';
import { SignalScope } from '#protocol/gen/drover/v1/task_pb.ts';
import { silentLog } from '#test/fixture/task-node.ts';
import { temporaryDirectory } from '#test/fixture/temporary-directory.ts';
import { auditLaunches, auditOrders } from './audit-orders.ts';
import { NodeAudit } from './node-audit.ts';

function rowsIn(directory: string): string[] {
  const lines = readFileSync(join(directory, 'audit.jsonl'), 'utf8').trimEnd().split('\n');
  return lines.map((line) => {
    const { what, decision, reason = '', failed = '' } = JSON.parse(line) as Record<string, string>;
    return `${what} ${decision} ${reason}${failed}`.trim();
  });
}

async function drain(answers: AsyncIterable<unknown>): Promise<void> {
  for await (const _ of answers);
}

test('auditOrders() records what came of each order about what runs, and no reading of logs', async (t) => {
  const directory = temporaryDirectory(t);
  using audit = new NodeAudit(directory, new FakeClock(), silentLog);
  const workload = new FakeWorkload();
  const audited = auditOrders(workload, audit);
  const { signal } = new AbortController();
  const quiet = async (work: Promise<unknown>) => void (await work.catch(() => {}));
  await quiet(audited.signal('a', 'SIGTERM', SignalScope.LEADER));
  workload.signal = async () => {
    throw new RefusedOrderError('the policy says no', { denied: true });
  };
  await quiet(audited.signal('a', 'SIGKILL', SignalScope.LEADER));
  workload.signal = async () => {
    throw new RefusedOrderError('task a has ended');
  };
  await quiet(audited.signal('a', 'SIGKILL', SignalScope.LEADER));
  const before = rowsIn(directory).length;
  await quiet(drain(audited.readLog(create(OpenLogSchema, { taskId: 'a' }), signal)));
  assert.equal(rowsIn(directory).length, before);
  await quiet(drain(audited.readLog(create(OpenLogSchema, { taskId: 'a', interactive: true }), signal)));
  async function* nothing() {}
  await quiet(drain(audited.takeInput(create(OpenInputSchema, { taskId: 'a' }), nothing(), signal)));
  assert.deepEqual(rowsIn(directory).slice(1), [
    'signal denied the policy says no',
    'signal allowed task a has ended',
    'terminal allowed',
    'input allowed',
  ]);
});

test('auditLaunches() records what the policy said, and not that a command is missing', async (t) => {
  const directory = temporaryDirectory(t);
  using audit = new NodeAudit(directory, new FakeClock(), silentLog);
  const start = create(StartSchema, { taskId: 'a', attempt: 1, operator: 'ann', spec: { argv: ['x'] } });
  for (const step of ['policy', 'command']) {
    const refusal = { allowed: false, step, errno: 2, reason: `no, by ${step}` } as const;
    assert.deepEqual(await auditLaunches(async () => refusal, audit)(start, '/'), refusal);
  }
  assert.deepEqual(rowsIn(directory), ['launch denied no, by policy']);
});
