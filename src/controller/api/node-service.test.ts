import assert from 'node:assert/strict';
import { it } from 'node:test';
import { create } from '@bufbuild/protobuf';
import { NodeService, RunService } from '#protocol/gen/drover/v1/api_pb.ts';
import { NodeState } from '#protocol/gen/drover/v1/node_pb.ts';
import { ResourceUsageSchema } from '#protocol/gen/drover/v1/task_pb.ts';
import { ApiFixture } from './testing/api-fixture.ts';

it('listNodes() gives nodes in natural order, with state and active tasks', async () => {
  await using api = await ApiFixture.start();
  await api.addNodes('web10', 'web2', 'db1');
  api.parts.dispatch.changeNode('db1', { state: NodeState.LOST, seenAtMs: 7_000 });
  const id = '01979c5e-7d0c-7000-8000-000000000001';
  await api.client(RunService).createRun({ id, nodes: 'web2', spec: { argv: ['x'] } });
  const client = api.client(NodeService);
  const { nodes } = await client.listNodes({});
  assert.deepEqual(
    nodes.map((node) => [node.name, node.state, node.activeTasks]),
    [
      ['db1', NodeState.LOST, 0],
      ['web2', NodeState.CONNECTED, 1],
      ['web10', NodeState.CONNECTED, 0],
    ],
  );
  assert.equal(nodes[0]?.seenAt?.seconds, 7n);
  assert.equal((await client.listNodes({ nodes: 'web*' })).nodes.length, 2);
  await assert.rejects(client.listNodes({ nodes: 'web[1-3]' }), /no such node: web\[1,3\]/);
  const labelled = await client.listNodes({ nodes: 'web*', selector: 'name!=web2' });
  assert.deepEqual(
    labelled.nodes.map((node) => node.name),
    ['web10'],
  );
  await assert.rejects(client.listNodes({ selector: 'nope' }), /no node matches the labels "nope"/);
});

it('listNodes() gives nothing where no node has joined', async () => {
  await using api = await ApiFixture.start();
  assert.deepEqual((await api.client(NodeService).listNodes({})).nodes, []);
});

it('getNodeUsage() asks each node, and says why one could not be asked', async () => {
  await using api = await ApiFixture.start();
  await api.addNodes('web1', 'web2', 'web3');
  const { dispatch } = api.parts;
  dispatch.usages.set('web1', create(ResourceUsageSchema, { userUs: 5n }));
  dispatch.changeNode('web2', { state: NodeState.DISCONNECTED, seenAtMs: undefined });
  const { nodes } = await api.client(NodeService).getNodeUsage({});
  assert.deepEqual(
    nodes.map(({ node, children, error }) => [node, children?.userUs, error]),
    [
      ['web1', 5n, ''],
      ['web2', undefined, 'it is not connected'],
      ['web3', undefined, 'its supervisor cannot be asked'],
    ],
  );
  const one = await api.client(NodeService).getNodeUsage({ selector: 'name=web1' });
  assert.equal(one.nodes.length, 1);
});
