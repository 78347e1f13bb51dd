import assert from 'node:assert/strict';
import { test } from 'node:test';
import { MassLossWatch } from './mass-loss.ts';

const names = (count: number) => Array.from({ length: count }, (_, i) => `n${i}`);

function watching(count: number): MassLossWatch {
  const watch = new MassLossWatch();
  for (const name of names(count)) watch.came(name);
  return watch;
}

const cases: readonly [nodes: number, gone: number, isAlarm: boolean][] = [
  [2, 2, false],
  [3, 3, true],
  [4, 2, false],
  [6, 3, false],
  [6, 4, true],
  [10_000, 5_000, false],
  [10_000, 5_001, true],
];

for (const [nodes, gone, isAlarm] of cases) {
  test(`MassLossWatch: ${gone} of ${nodes} within a minute is ${isAlarm ? 'an' : 'no'} alarm`, () => {
    const watch = watching(nodes);
    for (const [i, name] of names(gone).entries()) watch.went(name, (i / gone) * 50_000);
    const alarm = watch.judge(51_000, 7);
    assert.deepEqual(alarm, isAlarm ? { gone, of: nodes, atMs: 7 } : undefined);
    assert.equal(watch.judge(52_000, 8), undefined);
  });
}

test('MassLossWatch: who goes one by one is no alarm', () => {
  const watch = watching(6);
  for (const [i, name] of names(6).entries()) {
    watch.went(name, i * 40_000);
    assert.equal(watch.judge(i * 40_000, 1), undefined);
  }
});

test('MassLossWatch: the alarm is over when half of its nodes are back, and may then come again', () => {
  const watch = watching(6);
  for (const name of names(4)) watch.went(name, 0);
  assert.ok(watch.judge(1, 1));
  watch.came('n0');
  assert.ok(watch.alarm);
  watch.forget('n1');
  assert.equal(watch.alarm, undefined);
  assert.equal(watch.judge(2, 2), undefined);
  for (const name of names(6)) watch.went(name, 100_000);
  assert.deepEqual(watch.judge(100_001, 3), { gone: 3, of: 3, atMs: 3 });
});

test('MassLossWatch: what went because this process stood still is no loss', () => {
  const watch = watching(6);
  for (const name of names(6)) watch.went(name, 0);
  watch.pardon();
  assert.equal(watch.judge(1, 1), undefined);
});
