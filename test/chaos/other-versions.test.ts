import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { fromBinary, toBinary } from '@bufbuild/protobuf';
import { exitCodes } from '#core/exit-code.ts';
import {
  type AgentFrame,
  AgentFrameSchema,
  type ControllerFrame,
  ControllerFrameSchema,
} from '#protocol/gen/drover/v1/link_pb.ts';
import { NodeState } from '#protocol/gen/drover/v1/node_pb.ts';
import { TaskState } from '#protocol/gen/drover/v1/task_pb.ts';
import type { DecideFate } from '#test/fault-proxy/frame-fate.ts';
import { until } from '#test/fixture/until.ts';
import { ChaosCluster } from './chaos-cluster.ts';
import { exits, waits, writes } from './commands.ts';
import { startBehindFrameProxy } from './frame-link.ts';
import { livePids, untilLive, untilNode } from './node-contact.ts';

/** How much faster time passes: a session must outlive what the machine may be late with. */
const clockRate = 5;

/** Has every frame of agents arrive as `change` leaves it. */
function asAgent(change: (frame: AgentFrame) => void): DecideFate {
  return ({ direction, message }) => {
    if (direction === 'down') return 'pass';
    const frame = fromBinary(AgentFrameSchema, message);
    change(frame);
    return toBinary(AgentFrameSchema, frame);
  };
}

/** Has every frame of the controller arrive as `change` leaves it. */
function asController(change: (frame: ControllerFrame) => void): DecideFate {
  return ({ direction, message }) => {
    if (direction === 'up') return 'pass';
    const frame = fromBinary(ControllerFrameSchema, message);
    change(frame);
    return toBinary(ControllerFrameSchema, frame);
  };
}

/** What the first release did not know: numbers of frames, how long a heartbeat was held, facts that are told again. */
function forgetWhatIsNew(frame: AgentFrame | ControllerFrame): void {
  frame.number = 0n;
  if (frame.kind.case === 'heartbeat') delete frame.kind.value.heldUs;
  if (frame.kind.case === 'welcome') frame.kind.value.factsIntervalMs = 0;
}

const compatible: Readonly<Record<string, DecideFate>> = {
  'an older agent': asAgent(forgetWhatIsNew),
  'an older controller': asController(forgetWhatIsNew),
  'an agent that speaks a newer protocol too': asAgent(({ kind }) => {
    if (kind.case === 'hello') kind.value.protocol = 2;
  }),
  'an agent that says more than we know': asAgent((frame) => {
    frame.$unknown = [...(frame.$unknown ?? []), { no: 1_000, wireType: 0, data: Uint8Array.of(1) }];
  }),
};

test('29: agents and controllers of other versions work together, or refuse each other with the reason', async (t) => {
  const cluster = await ChaosCluster.start(t, { nodes: 0, clockRate });
  const proxy = await startBehindFrameProxy(t, cluster, 'other');
  const logOf = (name: string) => readFileSync(join(cluster.layout.logs, `${name}.log`), 'utf8');
  for (const [who, decide] of Object.entries(compatible)) {
    await t.test(who, async () => {
      let frames = 0;
      proxy.decide = (frame) => {
        frames += 1;
        return decide(frame);
      };
      proxy.cut();
      await cluster.closeGate();
      await cluster.launch(exits(4), { count: 5, wait: true });
      await cluster.launch(writes(100, 0), { wait: true });
      // Some heartbeats.
      await sleep(2_500);
      await cluster.gate.open();
      await cluster.settle();
      assert.ok(frames > 10);
    });
  }
  await cluster.closeGate();
  await cluster.launch(waits(3), { count: 3 });
  await cluster.untilState(TaskState.RUNNING);
  const pids = await livePids(cluster);

  await t.test('a controller that answers in another version', async () => {
    proxy.decide = asController(({ kind }) => {
      if (kind.case === 'welcome') kind.value.protocol = 2;
    });
    proxy.cut();
    await until('the agent says so', () => logOf('other').includes('welcome is to version 2, not 1'));
    proxy.decide = () => 'pass';
    await untilLive(cluster);
  });
  await t.test('an agent that names no version', async () => {
    proxy.decide = asAgent(({ kind }) => {
      if (kind.case === 'hello') kind.value.protocol = 0;
    });
    proxy.cut();
    const { code, lastWords } = await cluster.agent('other').ended;
    assert.equal(code, exitCodes.denied);
    assert.match(lastWords, /refuses node other for good: it names no version of the protocol$/);
    assert.deepEqual(await livePids(cluster), pids);
    proxy.decide = () => 'pass';
    await cluster.startAgent('other');
    await untilNode(cluster, 'other', NodeState.CONNECTED);
    await untilLive(cluster);
    assert.deepEqual(await livePids(cluster), pids);
  });
  await cluster.verify();
});
