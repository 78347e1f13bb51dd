import assert from 'node:assert/strict';
import { test } from 'node:test';
import { emptyGroupText, type GroupText, type OutputGroup } from '#core/fold-output/output-group.ts';
import { renderGroupDiff } from './render-diff.ts';

function groupOf(nodes: string, stdout: string, change: Partial<OutputGroup> = {}): OutputGroup {
  const { ending = 'exit 0', succeeded = true } = change;
  const tasks = nodes.split(' ').map((node) => ({ id: `task-${node}`, node, ending, succeeded }));
  return { tasks, ending, succeeded, stdout: textOf(stdout), stderr: emptyGroupText, ...change };
}

function textOf(text: string): GroupText {
  return { ...emptyGroupText, lines: text.split('|') };
}

const plain = { width: undefined, colors: false };
const most = groupOf('n1 n2 n3', 'one|two|three');

const cases: [what: string, group: OutputGroup, lines: string[]][] = [
  [
    'another line',
    groupOf('n4', 'one|2|three'),
    ['── n4 (1) · exit 0 · against n[1-3]', '@@ -1,3 +1,3 @@', ' one', '-two', '+2', ' three'],
  ],
  [
    'another standard error',
    groupOf('n4', 'one|two|three', { stderr: textOf('e'), ending: 'exit 1', succeeded: false }),
    ['── n4 (1) · exit 1 · against n[1-3]', '── standard error', '@@ -0,0 +1,1 @@', '+e'],
  ],
  [
    'another ending only',
    groupOf('n4', 'one|two|three', { ending: 'exit 1', succeeded: false }),
    ['── n4 (1) · exit 1 · output as on n[1-3]'],
  ],
  [
    'what was not kept whole',
    groupOf('n4', '', { stdout: { lines: ['one'], moreLines: 1, moreCharacters: 9 } }),
    ['── n4 (1) · exit 0', 'one', '… 1 more line, 10 B, not kept here: drover logs task-n4'],
  ],
];

for (const [what, group, lines] of cases) {
  test(`renderGroupDiff() of ${what}`, () =>
    assert.deepEqual([...renderGroupDiff(group, most, plain)], lines));
}

test('renderGroupDiff() shows the whole block where too much differs', () => {
  const many = Array.from({ length: 1_100 }, (_, i) => `line ${i}`);
  const [head, ...lines] = renderGroupDiff(groupOf('n4', many.join('|')), most, plain);
  assert.equal(head, '── n4 (1) · exit 0');
  assert.deepEqual(lines, many);
});

test('renderGroupDiff() colours what came and what went', () => {
  const lines = [...renderGroupDiff(groupOf('n4', 'one|two|3'), most, { width: undefined, colors: true })];
  assert.ok(lines.includes('\u001b[31m-three\u001b[0m'));
  assert.ok(lines.includes('\u001b[32m+3\u001b[0m'));
  assert.ok(lines.includes(' one'));
});
