import assert from 'node:assert/strict';
import { test } from 'node:test';
import { answerOf } from '#cli/testing/top-rows.ts';
import { SignalScope } from '#protocol/gen/drover/v1/task_pb.ts';
import { type Pressed, pressKey } from './press-key.ts';
import { firstState, type TopState, takeAnswer, takeFailure, visibleRows } from './top-state.ts';

const answer = answerOf(1_000, [
  { id: 'a', node: 'n1', argv: ['sleep', '1'], uses: { rssBytes: 3n } },
  { id: 'b', node: 'n2', argv: ['backup'], uses: { rssBytes: 2n } },
  { id: 'c', node: 'n3', argv: ['sleep', '3'], uses: { rssBytes: 1n } },
]);
const start = firstState(answer, 0, 'memory');

function press(keys: readonly string[], from: TopState = start): Pressed {
  return keys.reduce<Pressed>(({ state }, key) => pressKey(state, key, 2), { state: from });
}

const typed = (text: string) => [...text];
const shown = (state: TopState) => visibleRows(state).map(({ task }) => task.id);

for (const [keys, selected] of [
  [['down'], 'a'],
  [['down', 'down'], 'b'],
  [['up'], 'c'],
  [['down', 'up'], 'a'],
  [['page-down', 'page-down'], 'c'],
  [['end', 'page-up'], 'a'],
  [['end', 'home'], 'a'],
  [['down', 'escape'], undefined],
  [['down', 'x'], 'a'],
] as const) {
  test(`pressKey() ${keys.join(' ')} selects ${selected}`, () =>
    assert.equal(press(keys).state.selected, selected));
}

test('pressKey() sorts, and reverses', () => {
  const { state } = press(['r', 'n']);
  assert.deepEqual([state.sort, state.reversed], ['node', false]);
  assert.deepEqual(shown(press(['r']).state), ['c', 'b', 'a']);
});

test('pressKey() filters as it is typed, and Esc goes back', () => {
  const { state } = press(['/', ...typed('SLEEP')]);
  assert.deepEqual(shown(state), ['a', 'c']);
  assert.deepEqual(shown(press(['enter'], state).state), ['a', 'c']);
  assert.deepEqual(shown(press(['escape'], state).state), ['a', 'b', 'c']);
  assert.deepEqual(shown(press(['backspace', 'ctrl-u', 'n', '3', 'enter'], state).state), ['c']);
  assert.equal(press(['enter', 'escape'], state).state.filter, '');
});

test('pressKey() asks for a signal, with INT to the leader where nothing is typed', () => {
  const order = (...keys: string[]) => press(['down', 'k', ...keys]).order;
  const [task] = answer.tasks;
  assert.deepEqual(order('enter'), { kind: 'signal', task, signal: 'SIGINT', scope: SignalScope.LEADER });
  assert.deepEqual(order(...typed('9 tree'), 'enter'), {
    kind: 'signal',
    task,
    signal: 'SIGKILL',
    scope: SignalScope.TREE,
  });
  assert.equal(order(...typed('KILL')), undefined);
  assert.equal(order('escape', 'enter'), undefined);
});

for (const [text, notice] of [
  ['FOO', 'there is no signal FOO'],
  ['TERM all', 'after the signal only leader, group or tree'],
  ['TERM tree now', 'after the signal only leader, group or tree'],
] as const) {
  test(`pressKey() says of the signal ${text}: ${notice}`, () => {
    const { state, order } = press(['down', 'k', ...typed(text), 'enter']);
    assert.deepEqual([state.notice, state.mode.kind, order], [notice, 'signal', undefined]);
  });
}

test('pressKey() stops a task after a yes only', () => {
  assert.equal(press(['down', 's', 'y']).order?.kind, 'stop');
  for (const key of ['n', 'escape', 'q', 'enter', 's', 'Y']) {
    assert.equal(press(['down', 's', key]).order, undefined, key);
  }
});

test('pressKey() shows the output of a task, and goes back', () => {
  const { state, order } = press(['down', 'l']);
  assert.deepEqual([state.mode.kind, order?.kind], ['log', 'readLog']);
  assert.equal(press(['l'], state).state.mode.kind, 'list');
});

for (const key of ['k', 's', 'l']) {
  test(`pressKey() ${key} without a task that is selected and shown does nothing, and says so`, () => {
    for (const keys of [[key], ['down', '/', ...typed('backup'), 'enter', key]]) {
      const { state, order } = press(keys);
      assert.deepEqual([state.notice, order], ['select a task first, with the arrow keys', undefined]);
    }
  });
}

test('pressKey() leaves from everywhere with Ctrl-C, and with q from the list', () => {
  for (const keys of [[], ['?'], ['/'], ['down', 'k'], ['down', 's'], ['down', 'l']]) {
    assert.deepEqual(press([...keys, 'ctrl-c']).order, { kind: 'leave', interrupted: true });
  }
  assert.deepEqual(press(['q']).order, { kind: 'leave', interrupted: false });
  assert.deepEqual(press(['?', 'q']).order, undefined);
});

test('pressKey() stands still, and asks at once when it goes on', () => {
  const paused = press([' ']);
  assert.deepEqual([paused.state.paused, paused.order], [true, undefined]);
  assert.equal(press([' '], paused.state).order?.kind, 'refresh');
});

test('takeAnswer() and takeFailure() keep what is known, and select nothing that is gone', () => {
  const selected = press(['down']).state;
  const failed = takeFailure(selected, 'gone');
  assert.deepEqual([shown(failed), failed.failure, failed.selected], [['a', 'b', 'c'], 'gone', 'a']);
  const next = takeAnswer(failed, answerOf(2_000, [{ id: 'b', node: 'n2' }]), 7);
  assert.deepEqual(
    [shown(next), next.failure, next.selected, next.answeredAtMs],
    [['b'], undefined, undefined, 7],
  );
});
