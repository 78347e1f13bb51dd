import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseNodePath, writeNodePath } from './node-path.ts';

const cases: readonly (readonly [string, { nodes: string; path: string } | undefined])[] = [
  ['web1:/etc/hosts', { nodes: 'web1', path: '/etc/hosts' }],
  ['web[1-3],db1:conf/a:b', { nodes: 'web[1-3],db1', path: 'conf/a:b' }],
  ['@role=web:', { nodes: '@role=web', path: '' }],
  [':/etc/hosts', { nodes: '', path: '/etc/hosts' }],
  ['/etc/a:b', undefined],
  ['./a:b', undefined],
  ['plain', undefined],
  ['-', undefined],
];

for (const [word, expected] of cases) {
  test(`parseNodePath() of ${word}`, () => {
    const place = parseNodePath(word);
    assert.deepEqual(place, expected);
    if (place) assert.equal(writeNodePath(place), word);
  });
}
