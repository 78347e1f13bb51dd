import assert from 'node:assert/strict';
import { test } from 'node:test';
import { makeTask } from '#cli/testing/fake-api.ts';
import { Freshness, TaskState } from '#protocol/gen/drover/v1/task_pb.ts';
import { staleGraceMs, survivorsGraceMs, TaskWatch } from './task-watch.ts';

const live = makeTask('t', 'node1');
const other = makeTask('u', 'node2');
const stale = makeTask('t', 'node1', { freshness: Freshness.STALE });
const lost = makeTask('t', 'node1', { freshness: Freshness.LOST });
const ended = makeTask('t', 'node1', { state: TaskState.ENDED });

test('TaskWatch is over when all have ended, and not before it knows them all', () => {
  const watch = new TaskWatch();
  watch.update(ended, 0);
  assert.equal(watch.isOver(0), false);
  watch.expect(2);
  watch.update(other, 0);
  assert.equal(watch.isOver(0), false);
  watch.update({ ...other, state: TaskState.ENDED }, 0);
  assert.equal(watch.isOver(0), true);
});

test('TaskWatch gives a stale task up after the grace, and takes it back', () => {
  const watch = new TaskWatch();
  watch.expect(1);
  watch.update(stale, 1000);
  assert.equal(watch.nextLookMs(1000), staleGraceMs);
  watch.update(stale, 5000);
  assert.equal(watch.isOver(1000 + staleGraceMs - 1), false);
  assert.equal(watch.isOver(1000 + staleGraceMs), true);
  watch.update(live, 1000 + staleGraceMs);
  assert.equal(watch.isOver(1000 + staleGraceMs), false);
  assert.equal(watch.nextLookMs(1000 + staleGraceMs), undefined);
});

test('TaskWatch gives a task on a lost node up at once, unless it is patient', () => {
  for (const patient of [false, true]) {
    const watch = new TaskWatch({ patient });
    watch.expect(1);
    watch.update(lost, 0);
    assert.equal(watch.isOver(0), !patient);
  }
});

test('TaskWatch gives up what SIGKILL does not end, if it may, and takes it back', () => {
  const stuck = makeTask('t', 'node1', { attempts: [{ survivors: [{ pid: 7, state: 'D' }] }] });
  for (const leavesSurvivors of [false, true]) {
    const watch = new TaskWatch({ leavesSurvivors });
    watch.expect(1);
    watch.update(stuck, 0);
    watch.update(stuck, 5);
    assert.equal(watch.nextLookMs(0), leavesSurvivors ? survivorsGraceMs : undefined);
    assert.equal(watch.isOver(survivorsGraceMs - 1), false);
    assert.equal(watch.isOver(survivorsGraceMs), leavesSurvivors);
    watch.update(live, survivorsGraceMs);
    assert.equal(watch.isOver(survivorsGraceMs), false);
  }
});
