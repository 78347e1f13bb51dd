import assert from 'node:assert/strict';
import { test } from 'node:test';
import { NodeState } from '#protocol/gen/drover/v1/node_pb.ts';
import { heartbeatIntervalMs, stateWithoutSession } from './liveness.ts';

for (const [nodes, intervalMs] of [
  [0, 5_000],
  [3, 5_000],
  [10_000, 10_000],
  [100_000, 30_000],
] as const) {
  test(`heartbeatIntervalMs() is ${intervalMs} ms for ${nodes} nodes`, () => {
    assert.equal(heartbeatIntervalMs(nodes), intervalMs);
  });
}

for (const [silentMs, state] of [
  [undefined, NodeState.JOINED],
  [999, NodeState.CONNECTED],
  [1_000, NodeState.DISCONNECTED],
  [19_999, NodeState.DISCONNECTED],
  [20_000, NodeState.UNREACHABLE],
  [319_999, NodeState.UNREACHABLE],
  [320_000, NodeState.LOST],
] as const) {
  test(`stateWithoutSession() is ${state} after ${silentMs} ms at an interval of 5 s`, () => {
    assert.equal(stateWithoutSession(silentMs, 5_000), state);
  });
}
