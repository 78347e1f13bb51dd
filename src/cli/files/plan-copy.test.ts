import assert from 'node:assert/strict';
import { test } from 'node:test';
import { UsageError } from '#base/command-line.ts';
import { planCopy } from './plan-copy.ts';

const nothing = { options: {}, selection: undefined, hosts: [], exact: false };

function planned(...words: string[]) {
  const { plan, exact: _exact, ...rest } = planCopy(words, nothing);
  return { nodes: plan.request.nodes, ...rest };
}

test('planCopy() to nodes', () => {
  const to = { direction: 'to', nodes: 'web1', intoDirectory: false };
  assert.deepEqual(planned('a', 'web1:b'), { ...to, sources: ['a'], destination: 'b' });
  assert.deepEqual(planned('a', 'web1:b/'), { ...to, sources: ['a'], destination: 'b', intoDirectory: true });
  assert.deepEqual(planned('a', './x:y', 'web1:/'), {
    ...to,
    sources: ['a', './x:y'],
    destination: '/',
    intoDirectory: true,
  });
  assert.deepEqual(planned('a', 'web1:'), { ...to, sources: ['a'], destination: '', intoDirectory: true });
  assert.deepEqual(planned('-', 'web1:b'), { ...to, sources: ['-'], destination: 'b' });
});

test('planCopy() from nodes', () => {
  const from = { direction: 'from', nodes: 'web[1-2]' };
  assert.deepEqual(planned('web[1-2]:a', ':/b', 'here'), {
    ...from,
    paths: ['a', '/b'],
    destination: 'here',
  });
  assert.deepEqual(planned('web1:a', '-'), {
    direction: 'from',
    nodes: 'web1',
    paths: ['a'],
    destination: '-',
  });
});

test('planCopy() with -T takes one source, and a destination that has a name', () => {
  const exactly = (...words: string[]) => planCopy(words, { ...nothing, exact: true });
  assert.equal(exactly('a', 'web1:b').exact, true);
  assert.equal(exactly('web1:a', 'b').exact, true);
  for (const words of [
    ['a', 'c', 'web1:b'],
    ['a', 'web1:b/'],
    ['web1:a', 'b/'],
    ['a', 'web1:'],
  ]) {
    assert.throws(() => exactly(...words), /-T/);
  }
});

const refused: readonly (readonly [readonly string[], RegExp])[] = [
  [[], /from where to where\?/],
  [['web1:a'], /from where to where\?/],
  [['a', 'b'], /neither "a" nor "b" is on nodes/],
  [['web1:a', 'web2:b'], /"web1:a" and "web2:b" are both on nodes/],
  [['web1:a', 'b', 'here'], /"b" is here and "web1:a" on nodes/],
  [['a', ':b'], /on which nodes\?/],
  [['-', 'a', 'web1:b'], /standard input is copied alone/],
  [['-', 'web1:b/'], /standard input needs a name/],
  [['web[1-2]:a', '-'], /standard output takes one file of one node/],
  [['web1:', 'here'], /"" has no name/],
  [['web1:a/..', 'here'], /has no name/],
];

for (const [words, message] of refused) {
  test(`planCopy() refuses ${words.join(' ')}`, () => {
    assert.throws(
      () => planCopy(words, nothing),
      (error) => error instanceof UsageError && message.test(error.message),
    );
  });
}
