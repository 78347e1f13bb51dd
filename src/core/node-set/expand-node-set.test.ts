import assert from 'node:assert/strict';
import { test } from 'node:test';
import { expandNodeSet, literalNodeName } from './expand-node-set.ts';
import { parseNodeSet } from './parse-node-set.ts';

const expanded: [text: string, names: string][] = [
  ['web1', 'web1'],
  ['node[3,1-2]', 'node1 node2 node3'],
  ['node[08-11]', 'node08 node09 node10 node11'],
  ['node[0-6/2]', 'node0 node2 node4 node6'],
  ['dc[1-2]n[1-2]', 'dc1n1 dc1n2 dc2n1 dc2n2'],
  ['web[1-2].example', 'web1.example web2.example'],
  ['n[1,11][1,11]', 'n11 n111 n1111'],
  ['n10,n9,a', 'a n9 n10'],
  ['n1,n01', 'n1 n01'],
  ['a[1-5]!a[2-4]', 'a1 a5'],
  ['a[1-5]&a[4-9]', 'a4 a5'],
  ['a[1-3]^a[3-4]', 'a1 a2 a4'],
  ['a!a', ''],
];

for (const [text, names] of expanded) {
  test(`expandNodeSet() of ${text}`, () => {
    assert.equal(expandNodeSet(parseNodeSet(text)).join(' '), names);
  });
}

for (const text of ['a,web*', 'a,@role', 'a,@all', 'a!b?']) {
  test(`expandNodeSet() of ${text} needs nodes`, () => {
    assert.throws(() => expandNodeSet(parseNodeSet(text)), { kind: 'needs-nodes', position: 2 });
  });
}

const literals: [text: string, name: string | undefined][] = [
  ['web1', 'web1'],
  [' web1.example ', 'web1.example'],
  ['web[1]', undefined],
  ['web[1-2]', undefined],
  ['web1,web1', undefined],
  ['web1!web2', undefined],
  ['web*', undefined],
  ['@web', undefined],
  ['@all', undefined],
];

for (const [text, name] of literals) {
  test(`literalNodeName() of ${JSON.stringify(text)} is ${name}`, () => {
    assert.equal(literalNodeName(parseNodeSet(text)), name);
  });
}
