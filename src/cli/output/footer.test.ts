import assert from 'node:assert/strict';
import { test } from 'node:test';
import { makeTask } from '#cli/testing/fake-api.ts';
import { exited, notStarted, signaled, skipped, unknownOutcome, unreachable } from '#core/outcome.ts';
import { Cause, LeftoverPolicy, type Outcome, TaskState } from '#protocol/gen/drover/v1/task_pb.ts';
import { renderFooter } from './footer.ts';

const ended = (node: number, outcome: Outcome, cause: Cause = Cause.ITSELF) =>
  makeTask(`t${node}`, `node${node}`, { state: TaskState.ENDED, outcome, cause });

test('renderFooter() counts every task once, and names the nodes of all that did not succeed', () => {
  const tasks = [
    ended(1, exited(0)),
    ended(2, exited(0)),
    ended(3, exited(1)),
    ended(4, exited(1)),
    ended(5, signaled('SIGTERM', false), Cause.TIMEOUT),
    ended(6, notStarted('chdir', 2, 'chdir /x: no such file or directory')),
    ended(7, skipped('too many errors')),
    ended(8, unreachable('not connected', undefined)),
    ended(9, unknownOutcome('reboot')),
    ended(12, exited(0), Cause.TIMEOUT),
    makeTask('t10', 'node10'),
    makeTask('t11', 'node11'),
  ];
  assert.deepEqual(renderFooter(tasks, new Set(['t10'])), [
    '2 succeeded · 2 failed (exit 1) · 2 timed out (SIGTERM, exit 0) · 1 not started · 1 skipped · 2 unreachable · 1 unknown · 1 not ended',
    'exit 1: node[3-4]',
    'timed out (SIGTERM): node5',
    'timed out (exit 0): node12',
    'not started: chdir /x: no such file or directory: node6',
    'skipped: too many errors: node7',
    'unreachable: not connected: node8',
    'unreachable: node10',
    'unknown: reboot: node9',
    'not ended: node11',
  ]);
});

test('renderFooter() tells a stop that was asked for from a failure', () => {
  const stopped = ended(1, signaled('SIGTERM', false), Cause.OPERATOR);
  assert.deepEqual(renderFooter([stopped, ended(2, exited(1)), ended(3, exited(0), Cause.OPERATOR)]), [
    '1 succeeded · 1 failed (exit 1) · 1 stopped by operator (SIGTERM)',
    'exit 1: node2',
    'SIGTERM: node1',
  ]);
});

test('renderFooter() says what outlived its leader', () => {
  const outlived = (node: number, ...pids: number[]) =>
    makeTask(`t${node}`, `node${node}`, {
      state: TaskState.ENDED,
      outcome: exited(0),
      attempts: [{ leftovers: pids.map((pid) => ({ pid, command: 'sleep' })) }],
    });
  assert.deepEqual(renderFooter([outlived(1, 11834), outlived(2, 1, 2), outlived(3)]), [
    '3 succeeded',
    'node1: 1 process outlived its leader and was stopped: sleep (11834)',
    'node2: 2 processes outlived their leader and were stopped: sleep (1), sleep (2)',
  ]);
  const many = Array.from({ length: 11 }, (_, i) => outlived(i + 1, 7));
  assert.equal(renderFooter(many)[1], 'node[1-11]: 11 processes outlived their leaders and were stopped');
});

test('renderFooter() says what is kept of it that outlived its leader', () => {
  const kept = makeTask('t1', 'node1', {
    state: TaskState.ENDED,
    outcome: exited(0),
    spec: { leftovers: LeftoverPolicy.KEEP },
    attempts: [{ leftovers: [{ pid: 7, command: 'sleep' }] }],
  });
  assert.deepEqual(renderFooter([kept]), [
    '1 succeeded',
    'node1: 1 process outlived its leader and goes on: sleep (7)',
  ]);
});

test('renderFooter() says what SIGKILL has not ended', () => {
  const reason = 'SIGKILL was sent 4 s ago, still there: cp 4711 (D: waits in the kernel)';
  const stuck = (node: number) =>
    makeTask(`t${node}`, `node${node}`, {
      state: TaskState.STOPPING,
      reason,
      attempts: [{ survivors: [{ pid: 4711, command: 'cp', state: 'D' }] }],
    });
  assert.deepEqual(renderFooter([stuck(1), ended(2, exited(0))]), [
    '1 succeeded · 1 not ended',
    'not ended: node1',
    `node1: ${reason}`,
  ]);
  const many = Array.from({ length: 11 }, (_, i) => stuck(i + 1));
  assert.equal(
    renderFooter(many)[2],
    'node[1-11]: processes are there that SIGKILL has not ended: drover ps -o wide names them',
  );
});

test('renderFooter() says which limit ended it, and why it was not started again', () => {
  const looping = { ...ended(1, exited(1)), reason: 'not restarted: its 3 restarts were used' };
  const unreached = { ...ended(3, unreachable('not connected', undefined)), reason: 'not connected' };
  assert.deepEqual(renderFooter([looping, ended(2, signaled('SIGKILL', false), Cause.LIMIT), unreached]), [
    '2 failed (exit 1, over a limit (SIGKILL)) · 1 unreachable',
    'exit 1; not restarted: its 3 restarts were used: node1',
    'over a limit (SIGKILL): node2',
    'unreachable: not connected: node3',
  ]);
});

test('renderFooter() of success is one line, and says when there was nothing', () => {
  assert.deepEqual(renderFooter([ended(1, exited(0))]), ['1 succeeded']);
  assert.deepEqual(renderFooter([]), ['no task']);
});

test('renderFooter() does not list more ways of failing than a person reads', () => {
  const tasks = Array.from({ length: 30 }, (_, i) => ended(i + 1, exited(i + 1)));
  assert.deepEqual(renderFooter(tasks), ['30 failed', 'failed, in 30 ways: node[1-30]']);
});
