import assert from 'node:assert/strict';
import { test } from 'node:test';
import { limits } from '#protocol/limits.ts';
import { NodeRefusedError } from './dispatch.ts';
import { DispatchFixture } from './testing/dispatch-fixture.ts';

const never = new AbortController().signal;
const sampledAt = { seconds: 1_700_000_000n, nanos: 0 };

test('sample() asks a part at a time, and gives what the node tells', async () => {
  await using fixture = await DispatchFixture.start('n1');
  const agent = await fixture.join('n1');
  const ids = Array.from({ length: limits.samplesMax + 1 }, (_, i) => `t${i}`);
  const sampling = fixture.dispatch.sample('n1', ids, never);
  const first = await agent.next('askSamples');
  assert.equal(first.taskIds.length, limits.samplesMax);
  const samples = [{ taskId: 't7', sampledAt, processes: 2, userUs: 5n }];
  agent.send({ case: 'result', value: { commandId: first.commandId, samples } });
  const second = await agent.next('askSamples');
  assert.deepEqual(second.taskIds, [ids.at(-1)]);
  agent.send({ case: 'result', value: { commandId: second.commandId } });
  assert.deepEqual(
    (await sampling).map(({ taskId, processes, userUs }) => [taskId, processes, userUs]),
    [['t7', 2, 5n]],
  );
});

test('sample() refuses what a node makes up, and a node that is not there', async () => {
  await using fixture = await DispatchFixture.start('n1', 'n2');
  const agent = await fixture.join('n1');
  const sampling = fixture.dispatch.sample('n1', ['a'], never);
  const { commandId } = await agent.next('askSamples');
  agent.send({ case: 'result', value: { commandId, samples: [{ taskId: 'b', sampledAt }] } });
  await assert.rejects(sampling, NodeRefusedError);
  await assert.rejects(fixture.dispatch.sample('n2', ['a'], never), NodeRefusedError);
});
