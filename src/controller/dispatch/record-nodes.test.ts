import assert from 'node:assert/strict';
import { test } from 'node:test';
import { create } from '@bufbuild/protobuf';
import { HeartbeatSchema } from '#protocol/gen/drover/v1/link_pb.ts';
import { HostFactsSchema, NodeState } from '#protocol/gen/drover/v1/node_pb.ts';
import { DispatchFixture } from './testing/dispatch-fixture.ts';

const nodes = ['n1', 'n2', 'n3', 'n4'];

test('most nodes that go at once are an alarm, told as an event, until half of them are back', async () => {
  await using fixture = await DispatchFixture.start(...nodes);
  const agents = await Promise.all(nodes.map((node) => fixture.join(node)));
  for (const agent of agents.slice(0, 3)) await agent[Symbol.asyncDispose]();
  const stateOf = (node: string) => fixture.dispatch.liveness(node).state;
  while (nodes.slice(0, 3).some((node) => stateOf(node) === NodeState.CONNECTED)) {
    await fixture.clock.advance(500);
  }
  await fixture.clock.advance(1_000);
  const alarm = fixture.dispatch.findMassLoss();
  assert.deepEqual([alarm?.gone, alarm?.of], [3, 4]);
  await fixture.join('n1');
  assert.ok(fixture.dispatch.findMassLoss());
  await fixture.join('n2');
  assert.equal(fixture.dispatch.findMassLoss(), undefined);
  const store = fixture.store;
  await fixture.stopDispatch();
  const { events } = await store.read.listEvents({}, 0, 1_000);
  const told = events.map(({ kind, node }) => `${kind} ${node}`.trim());
  assert.equal(told.filter((kind) => kind === 'cluster.mass-loss').length, 1);
  assert.deepEqual(
    told.filter((kind) => kind.endsWith(' n1')),
    ['node.connected n1', 'node.disconnected n1', 'node.connected n1'],
  );
});

test('facts that an agent tells within a session are recorded, the latest of each node', async () => {
  await using fixture = await DispatchFixture.start('n1');
  const agent = await fixture.join('n1');
  for (const hostname of ['old', 'new']) {
    agent.send({ case: 'facts', value: create(HostFactsSchema, { hostname }) });
  }
  agent.send({ case: 'heartbeat', value: create(HeartbeatSchema, { sequence: 1n }) });
  const hostname = async () => (await fixture.store.read.findNode('n1'))?.facts?.hostname;
  while ((await hostname()) !== 'new') await fixture.clock.advance(1_000);
});
