import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Outcome } from '#protocol/gen/drover/v1/task_pb.ts';
import { exitCodeOf, exitCodeOfOne } from './exit-code.ts';
import {
  describeOutcome,
  exited,
  notStarted,
  signaled,
  skipped,
  unknownOutcome,
  unreachable,
} from './outcome.ts';

const denial = notStarted('policy', 0, 'policy: cat is not allowed here');
const ok = exited(0);
const failed = exited(3);
const absent = notStarted('command', 2, 'command frobnicate: not found on PATH');
const denied = notStarted('execve', 13, '/etc/passwd: permission denied');
const noUser = notStarted('user', 0, 'user nobody2: no such user');
const killed = signaled('SIGKILL', false);
const lost = unknownOutcome('monitor lost');
const away = unreachable('not connected', undefined);

const ofMany: readonly (readonly [string, readonly (Outcome | undefined)[], number])[] = [
  ['nothing', [], 0],
  ['all succeeded', [ok, ok], 0],
  ['one failed', [ok, failed], 5],
  ['one was signaled', [ok, killed], 5],
  ['one did not start', [ok, absent], 5],
  ['one was skipped', [ok, skipped('too many failed')], 5],
  ['one is unknown', [ok, lost], 4],
  ['one is unreachable', [ok, away], 4],
  ['one cannot be asked any more', [ok, undefined], 4],
  ['one failed and one is unreachable', [failed, away], 4],
  ['one was refused by the policy of its node', [failed, away, denial], 7],
];

for (const [name, outcomes, code] of ofMany) {
  test(`exitCodeOf() is ${code} when ${name}`, () =>
    assert.equal(exitCodeOf(outcomes.map((outcome) => ({ outcome, timedOut: false }))), code));
}

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
];

for (const [name, outcome, code] of ofOne) {
  test(`exitCodeOfOne() is ${code} for ${name}`, () => {
    assert.equal(
      exitCodeOfOne({ outcome, timedOut: false }, (signal) => (signal === 'SIGKILL' ? 9 : 0)),
      code,
    );
  });
}

test('a time limit is 3 however the task took its end, for one and for many, and gives way to a refusal', () => {
  const late = { outcome: ok, timedOut: true };
  assert.equal(
    exitCodeOfOne(late, () => 0),
    3,
  );
  assert.equal(exitCodeOf([{ outcome: failed, timedOut: false }, late]), 3);
  assert.equal(exitCodeOf([{ outcome: denial, timedOut: false }, late]), 7);
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
