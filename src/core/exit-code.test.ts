import assert from 'node:assert/strict';
import { test } from 'node:test';
import { create } from '@bufbuild/protobuf';
import { type Outcome, OutcomeSchema } from '#protocol/gen/drover/v1/task_pb.ts';
import { exitCodeOf, exitCodeOfOne, type TaskEnd } from './exit-code.ts';
import {
  describeOutcome,
  exited,
  notStarted,
  signaled,
  skipped,
  unknownOutcome,
  unreachable,
} from './outcome.ts';
import { signalNumber } from './signals.ts';

const denial = notStarted('policy', 0, 'policy: cat is not allowed here');
const ok = exited(0);
const failed = exited(3);
const absent = notStarted('command', 2, 'command frobnicate: not found on PATH');
const denied = notStarted('execve', 13, '/etc/passwd: permission denied');
const noUser = notStarted('user', 0, 'user nobody2: no such user');
const killed = signaled('SIGKILL', false);
const lost = unknownOutcome('monitor lost');
const away = unreachable('not connected', undefined);

/** Every way in which a task can end, and the code that it alone is for a set. */
const ways: readonly (readonly [way: string, end: TaskEnd, code: number])[] = [
  ['it succeeded', { outcome: ok, timedOut: false }, 0],
  ['it failed', { outcome: failed, timedOut: false }, 5],
  ['a signal ended it', { outcome: killed, timedOut: false }, 5],
  ['its command does not exist', { outcome: absent, timedOut: false }, 5],
  ['its command cannot be executed', { outcome: denied, timedOut: false }, 5],
  ['its user does not exist', { outcome: noUser, timedOut: false }, 5],
  ['it was skipped', { outcome: skipped('too many failed'), timedOut: false }, 5],
  ['its node is unreachable', { outcome: away, timedOut: false }, 4],
  ['its outcome is unknown', { outcome: lost, timedOut: false }, 4],
  ['it cannot be asked any more', { outcome: undefined, timedOut: false }, 4],
  ['its outcome is of a later version', { outcome: create(OutcomeSchema), timedOut: false }, 4],
  ['its time limit ended it', { outcome: killed, timedOut: true }, 3],
  ['its time limit came and it succeeded', { outcome: ok, timedOut: true }, 3],
  ['the policy of its node refused it', { outcome: denial, timedOut: false }, 7],
];

for (const [way, end, code] of ways) {
  test(`exitCodeOf() is ${code} when ${way}`, () => {
    assert.equal(exitCodeOf([end]), code);
    assert.equal(exitCodeOf([ways[0]?.[1] ?? end, end]), code, 'beside one that succeeded');
  });
}

test('exitCodeOf() of no task is 0', () => assert.equal(exitCodeOf([]), 0));

/** As `drover help exit-codes` says it; 2 and 6 end a request before there is any task. */
const stated = [7, 3, 4, 5, 0];

test('exitCodeOf() of any tasks is the first that holds of 7, 3, 4, 5', () => {
  for (const first of ways) {
    for (const second of ways) {
      for (const third of ways) {
        const codes = [first, second, third].map(([, , code]) => code);
        const ends = [first, second, third].map(([, end]) => end);
        assert.equal(
          exitCodeOf(ends),
          stated.find((code) => codes.includes(code)),
        );
      }
    }
  }
});

const ofOne: readonly (readonly [string, Outcome | undefined, number])[] = [
  ['success', ok, 0],
  ['exit 3', failed, 3],
  ['SIGKILL', killed, 137],
  ['a command that does not exist', absent, 127],
  ['a command that is not executable', denied, 126],
  ['an unknown user', noUser, 5],
  ['a refusal by the policy', denial, 7],
  ['an unknown end', lost, 4],
  ['no answer', undefined, 4],
  ['a skipped task', skipped('too many failed'), 5],
  ['an unreachable node', away, 4],
  ['a signal without a number', signaled('SIGNEW', false), 5],
  ['a directory that does not exist', notStarted('chdir', 2, '/nope: no such file or directory'), 5],
  ['a limit that the kernel refuses', notStarted('setrlimit', 1, 'nofile: operation not permitted'), 5],
  ['a format that the kernel cannot run', notStarted('execve', 8, '/x: exec format error'), 126],
  ['exit 255', exited(255), 255],
];

for (const [name, outcome, code] of ofOne) {
  test(`exitCodeOfOne() is ${code} for ${name}`, () => {
    assert.equal(exitCodeOfOne({ outcome, timedOut: false }, signalNumber), code);
  });
}

test('exitCodeOfOne() is 3 when its time limit ended it, however it took that', () => {
  for (const outcome of [ok, failed, killed])
    assert.equal(exitCodeOfOne({ outcome, timedOut: true }, signalNumber), 3);
});

for (const [outcome, line] of [
  [ok, 'exit 0'],
  [signaled('SIGSEGV', true), 'SIGSEGV, core dumped'],
  [absent, 'not started: command frobnicate: not found on PATH'],
  [lost, 'unknown: monitor lost'],
  [away, 'unreachable: not connected'],
] as const) {
  test(`describeOutcome() says "${line}"`, () => assert.equal(describeOutcome(outcome), line));
}
