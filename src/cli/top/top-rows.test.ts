import assert from 'node:assert/strict';
import { test } from 'node:test';
import { answerOf, type SampledTask } from '#cli/testing/top-rows.ts';
import { nextRows, runningMs, type SortKey, sortRows, type TopRows } from './top-rows.ts';

const after = (before: TopRows, ms: number, ...tasks: SampledTask[]) => nextRows(before, answerOf(ms, tasks));
const busy = (userUs: bigint, more: Partial<SampledTask> = {}): SampledTask => ({
  id: 'a',
  node: 'n1',
  uses: { userUs, systemUs: 1_000_000n },
  ...more,
});

test('nextRows() gives the share of a CPU between two samples, by the clock of the node', () => {
  const first = after(new Map(), 1_000, busy(0n));
  assert.equal(first.get('a')?.share, undefined);
  assert.equal(after(first, 3_000, busy(3_000_000n)).get('a')?.share, 1.5);
  assert.equal(after(first, 3_000, busy(0n)).get('a')?.share, 0);
});

test('nextRows() never tells a share below 0, nor one of two attempts', () => {
  const first = after(new Map(), 1_000, busy(5_000_000n));
  assert.equal(after(first, 3_000, busy(0n)).get('a')?.share, 0);
  assert.equal(after(first, 3_000, busy(6_000_000n, { attempt: 2 })).get('a')?.share, undefined);
});

test('nextRows() keeps the share where a node gives the same sample twice, and where its clock goes back', () => {
  const second = after(after(new Map(), 1_000, busy(0n)), 2_000, busy(500_000n));
  assert.equal(after(second, 2_000, busy(500_000n)).get('a')?.share, 0.5);
  assert.equal(after(second, 1_500, busy(700_000n)).get('a')?.share, 0.5);
});

test('nextRows() forgets what has ended, and knows nothing of what was not sampled', () => {
  const first = after(new Map(), 1_000, busy(0n), busy(0n, { id: 'b' }));
  const second = after(first, 2_000, { id: 'b', node: 'n1' });
  assert.deepEqual([...second.keys()], ['b']);
  const [row] = second.values();
  assert.deepEqual([row?.sample, row?.share, row && runningMs(row)], [undefined, undefined, undefined]);
});

const mixed = after(
  after(new Map(), 0, busy(0n), busy(0n, { id: 'b', node: 'n10' }), busy(0n, { id: 'c', node: 'n2' })),
  1_000,
  busy(10n, { uses: { rssBytes: 5n, processes: 1, outputBytes: 9n } }),
  { id: 'b', node: 'n10', uses: { userUs: 2_000_000n, rssBytes: 1n, groupMemoryBytes: 7n, processes: 3 } },
  { id: 'c', node: 'n2' },
);

for (const [key, reversed, expected] of [
  ['cpu', false, 'b a c'],
  ['cpu', true, 'c a b'],
  ['memory', false, 'b a c'],
  ['processes', false, 'b a c'],
  ['output', false, 'a b c'],
  ['time', false, 'a b c'],
  ['node', false, 'a c b'],
  ['node', true, 'b c a'],
] satisfies [SortKey, boolean, string][]) {
  test(`sortRows() by ${key}${reversed ? ', reversed' : ''} is ${expected}`, () => {
    const sorted = sortRows([...mixed.values()], key, reversed);
    assert.equal(sorted.map(({ task }) => task.id).join(' '), expected);
  });
}
