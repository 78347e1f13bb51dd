import assert from 'node:assert/strict';
import { test } from 'node:test';
import { create } from '@bufbuild/protobuf';
import { GoodbyeSchema } from '#protocol/gen/drover/v1/link_pb.ts';
import type { LinkEnd } from './link-session.ts';
import { planReconnect } from './plan-reconnect.ts';

const lost = { reason: 'gone', welcomed: false };
const refused = { ...lost, refused: true };
const first = { failures: 0, spreadMs: 0 };

/** Ceilings of the delays after each of these ends in a row. */
function ceilings(ends: readonly LinkEnd[], spreadMs = 0): number[] {
  let failures = 0;
  return ends.map((end) => {
    const plan = planReconnect(end, { failures, spreadMs }, 0.999_999);
    assert.ok(plan.kind === 'retry');
    failures = plan.failures;
    return plan.delayMs;
  });
}

test('planReconnect() doubles the ceiling of the delay up to 30 s', () => {
  assert.deepEqual(
    ceilings(Array(9).fill(lost)),
    [500, 1_000, 2_000, 4_000, 8_000, 16_000, 30_000, 30_000, 30_000],
  );
});

test('planReconnect() knocks at a port that refuses every second at the most, and counts on from there', () => {
  assert.deepEqual(
    ceilings([...Array(5).fill(refused), lost, lost]),
    [500, 1_000, 1_000, 1_000, 1_000, 2_000, 4_000],
  );
});

test('planReconnect() spreads a large cluster as its controller says', () => {
  assert.deepEqual(ceilings([lost, lost, refused], 20_000), [20_000, 30_000, 20_000]);
  assert.deepEqual(ceilings([lost, refused], 50_000), [50_000, 50_000]);
  assert.deepEqual(ceilings([lost], 15), [500]);
});

test('planReconnect() begins anew after a session', () => {
  assert.deepEqual(planReconnect({ ...lost, welcomed: true }, { failures: 8, spreadMs: 0 }, 0.5), {
    kind: 'retry',
    delayMs: 250,
    failures: 1,
  });
});

test('planReconnect() waits as long as the controller asks, and gives up when it says so', () => {
  const goodbye = create(GoodbyeSchema, { retryAfterMs: 4_000 });
  assert.deepEqual(planReconnect({ ...lost, goodbye }, first, 0.5), {
    kind: 'retry',
    delayMs: 4_000,
    failures: 1,
  });
  const final = create(GoodbyeSchema, { final: true });
  assert.deepEqual(planReconnect({ ...lost, goodbye: final }, first, 0.5), {
    kind: 'give-up',
    reason: 'gone',
  });
});
