import assert from 'node:assert/strict';
import { test } from 'node:test';
import { emptyGroupText, type GroupText, type OutputGroup } from '#core/fold-output/output-group.ts';
import { type GroupStyle, renderGroup } from './render-groups.ts';

function groupOf(nodes: string, change: Partial<OutputGroup> = {}): OutputGroup {
  const { ending = 'exit 0', succeeded = true } = change;
  const tasks = nodes.split(' ').map((node) => ({ id: `task-${node}`, node, ending, succeeded }));
  return { tasks, ending, succeeded, stdout: text('one', 'two'), stderr: emptyGroupText, ...change };
}

function text(...lines: string[]): GroupText {
  return { ...emptyGroupText, lines };
}

const plain = { width: undefined, colors: false };

const render = (group: OutputGroup, style: GroupStyle) => [...renderGroup(group, style)];

test('renderGroup() heads a block with its nodes, their number and how they ended', () => {
  assert.deepEqual(render(groupOf('n1 n2 n3'), plain), ['── n[1-3] (3) · exit 0', 'one', 'two']);
});

test('renderGroup() fills the head to the width, and cuts neither it nor the output', () => {
  const [head = '', ...lines] = render(groupOf('n1 n2', { stdout: text('x'.repeat(50)) }), {
    width: 40,
    colors: false,
  });
  assert.equal(head, `── n[1-2] (2) · exit 0 ${'─'.repeat(17)}`);
  assert.deepEqual(lines, ['x'.repeat(50)]);
  assert.equal(render(groupOf('n1 n2'), { width: 10, colors: false })[0], '── n[1-2] (2) · exit 0');
});

test('renderGroup() says where there is no output, and what standard error is', () => {
  const silent = groupOf('a', { stdout: emptyGroupText });
  assert.deepEqual(render(silent, plain), ['── a (1) · exit 0 · no output']);
  const both = groupOf('a', { stderr: text('e'), ending: 'exit 1', succeeded: false });
  assert.deepEqual(render(both, plain), ['── a (1) · exit 1', 'one', 'two', '── standard error', 'e']);
});

test('renderGroup() says how much is not kept, and how to see it', () => {
  const cut = groupOf('a b', { stdout: { lines: ['one'], moreLines: 1200, moreCharacters: 10_000 } });
  assert.deepEqual(render(cut, plain).slice(1), [
    'one',
    '… 1200 more lines, 11 KiB, not kept here: drover logs task-a',
  ]);
});

test('renderGroup() shows what is kept elsewhere in its place', () => {
  const more = { lines: ['one'], moreLines: 2, moreCharacters: 6 };
  const cut = groupOf('a b', { stdout: more, stderr: more });
  const found = [...renderGroup(cut, plain, (id, stream, lines) => [`${id} ${stream} ${lines}`])];
  const head = '── standard error';
  assert.deepEqual(found.slice(1), ['one', 'task-a stdout 2', head, 'one', 'task-a stderr 2']);
});

test('renderGroup() colours by meaning', () => {
  const failed = groupOf('a', {
    stdout: emptyGroupText,
    stderr: text('e'),
    ending: 'exit 1',
    succeeded: false,
  });
  assert.deepEqual(render(failed, { width: undefined, colors: true }), [
    '\u001b[31m── a (1) · exit 1\u001b[0m',
    '\u001b[2m── standard error\u001b[0m',
    '\u001b[33me\u001b[0m',
  ]);
});
