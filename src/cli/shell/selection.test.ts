import assert from 'node:assert/strict';
import { test } from 'node:test';
import { create } from '@bufbuild/protobuf';
import { timestampFromMs } from '@bufbuild/protobuf/wkt';
import { NodeSchema, NodeState } from '#protocol/gen/drover/v1/node_pb.ts';
import { changeSelection, isUnion, renderPrompt, renderStates, type SelectionChange } from './selection.ts';

const changes: [selection: string, change: SelectionChange, set: string, changed: string][] = [
  ['@all', '@', 'web2,web1', 'web[1-2]'],
  ['@all', '@', 'web[1-4]!web2', 'web[1,3-4]'],
  ['@all', '@', '@role=web!web2', '@role=web!web2'],
  ['web[1-3]', '+', 'web4', 'web[1-4]'],
  ['web[1-3]', '+', 'web2', 'web[1-3]'],
  ['web[1-3]', '-', 'web2', 'web[1,3]'],
  ['web[1-3]', '-', 'web1, web3', 'web2'],
  ['web1', '-', 'web1', 'web1!web1'],
  ['@all', '-', 'web[1-2],db1', '@all!web[1-2]!db1'],
  ['@role=web', '+', 'db1', '@role=web,db1'],
  ['web1', '-', '@gpu,web*', 'web1!@gpu!web*'],
];

for (const [selection, change, set, changed] of changes) {
  test(`changeSelection() of ${selection} by ${change}${set}`, () =>
    assert.equal(changeSelection(selection, change, set), changed));
}

test('isUnion() of sets with and without other operators', () => {
  assert.deepEqual(['a', 'a,b*', '@all', 'a!b', 'a,b&c'].map(isUnion), [true, true, true, false, false]);
});

const prompts: [selection: string, folding: boolean, columns: number | undefined, prompt: string][] = [
  ['@all', false, 80, 'drover @all> '],
  ['web[1-3]', false, undefined, 'drover @web[1-3]> '],
  ['web[1-3]', true, 80, 'drover @web[1-3] => '],
  ['web[1-3,7,9,12,15,17,22]', false, 40, 'drover @web[1-3,7…> '],
  ['web[1-3,7,9,12,15,17,22]', false, 10, 'drover @web[1-…> '],
];

for (const [selection, folding, columns, prompt] of prompts) {
  test(`renderPrompt() of ${selection} on ${columns} columns`, () =>
    assert.equal(renderPrompt(selection, folding, columns), prompt));
}

test('renderStates() names the nodes of each state', () => {
  const nowMs = 1_700_000_000_000;
  const node = (name: string, state: NodeState, seenMs?: number) =>
    create(NodeSchema, {
      name,
      state,
      ...(seenMs === undefined ? {} : { seenAt: timestampFromMs(nowMs - seenMs) }),
    });
  const nodes = [
    node('n5', NodeState.JOINED),
    node('n4', NodeState.LOST, 900_000),
    node('n1', NodeState.CONNECTED, 0),
    node('n6', NodeState.LOST, 600_000),
    node('n2', NodeState.CONNECTED, 0),
    node('n3', NodeState.UNREACHABLE, 40_000),
  ];
  assert.deepEqual(renderStates(nodes, nowMs), [
    '6 nodes: n[1-6]',
    '  connected    n[1-2]',
    '  joined       n5, never seen',
    '  unreachable  n3, seen 40s ago',
    '  lost         n[4,6], last seen 10m00s ago',
  ]);
});
