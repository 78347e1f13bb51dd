import assert from 'node:assert/strict';
import { test } from 'node:test';
import { UsageError } from '#base/command-line.ts';
import { expandNodeSet } from '#core/node-set/expand-node-set.ts';
import { parseNodeSet } from '#core/node-set/parse-node-set.ts';
import { excludeNodes } from './exclude-nodes.ts';

for (const [nodes, excluded, expected] of [
  ['a[1-5]', 'a2', ['a1', 'a3', 'a4', 'a5']],
  ['a[1-5]', 'a2,a[4-5]', ['a1', 'a3']],
  ['a1,a2', 'a[1,3] , a9', ['a2']],
  ['a1', 'a1', []],
] as const) {
  test(`excludeNodes() takes ${excluded} out of ${nodes}`, () => {
    assert.deepEqual(expandNodeSet(parseNodeSet(excludeNodes(nodes, excluded))), expected);
  });
}

test('excludeNodes() refuses what it cannot express', () => {
  assert.throws(() => excludeNodes('a[1-5]', 'a[1-3]!a2'), UsageError);
});
