import assert from 'node:assert/strict';
import { test } from 'node:test';
import { nodesSyntax } from '#cli/syntax/cluster-syntax.ts';
import { runSyntax } from '#cli/syntax/run-syntax.ts';
import { psSyntax } from '#cli/syntax/task-syntax.ts';
import { mapNodeSets } from './map-node-sets.ts';

for (const [syntax, words, mapped] of [
  [runSyntax, '-w a -- echo b', '-w [a] -- echo b'],
  [runSyntax, '-dw a -x b echo c -w d', '-dw [a] -x [b] echo c -w d'],
  [runSyntax, '--nodes=a --name b echo', '--nodes=[a] --name b echo'],
  [runSyntax, '--shell $x -w a', '--shell $x -w [a]'],
  [runSyntax, '-w', '-w'],
  [nodesSyntax, 'a -o wide', '[a] -o wide'],
  [nodesSyntax, '-l a b', '-l a [b]'],
  [psSyntax, 'a -w b', 'a -w [b]'],
] as const) {
  test(`mapNodeSets() of ${syntax.name} ${words}`, async () => {
    const written = await mapNodeSets(syntax, words.split(' '), async (set) => `[${set}]`);
    assert.equal(written.join(' '), mapped);
  });
}
