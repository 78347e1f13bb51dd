import assert from 'node:assert/strict';
import { test } from 'node:test';
import { create } from '@bufbuild/protobuf';
import { GoodbyeSchema } from '#protocol/gen/drover/v1/link_pb.ts';
import { planReconnect } from './plan-reconnect.ts';

const lost = { reason: 'gone', welcomed: false };

test('planReconnect() doubles the ceiling of the delay up to 30 s', () => {
  const delays = [];
  let failures = 0;
  for (let i = 0; i < 9; i++) {
    const plan = planReconnect(lost, failures, 0.999_999);
    assert.equal(plan.kind, 'retry');
    if (plan.kind !== 'retry') return;
    delays.push(plan.delayMs);
    failures = plan.failures;
  }
  assert.deepEqual(delays, [500, 1_000, 2_000, 4_000, 8_000, 16_000, 30_000, 30_000, 30_000]);
});

test('planReconnect() begins anew after a session', () => {
  assert.deepEqual(planReconnect({ ...lost, welcomed: true }, 8, 0.5), {
    kind: 'retry',
    delayMs: 250,
    failures: 1,
  });
});

test('planReconnect() waits as long as the controller asks, and gives up when it says so', () => {
  const goodbye = create(GoodbyeSchema, { retryAfterMs: 4_000 });
  assert.deepEqual(planReconnect({ ...lost, goodbye }, 0, 0.5), {
    kind: 'retry',
    delayMs: 4_000,
    failures: 1,
  });
  const final = create(GoodbyeSchema, { final: true });
  assert.deepEqual(planReconnect({ ...lost, goodbye: final }, 0, 0.5), { kind: 'give-up', reason: 'gone' });
});
