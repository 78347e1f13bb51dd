import assert from 'node:assert/strict';
import { test } from 'node:test';
import { create, type MessageInitShape } from '@bufbuild/protobuf';
import fc from 'fast-check';
import { Cause, type Outcome, RestartMode, RestartPolicySchema } from '#protocol/gen/drover/v1/task_pb.ts';
import { exited, notStarted, signaled, unknownOutcome } from './outcome.ts';
import {
  decideRestart,
  type EndedAttempt,
  failuresAfter,
  restartRules,
  restartsMax,
} from './restart-policy.ts';

const { NEVER, ON_FAILURE, ALWAYS } = RestartMode;
const { ITSELF, OPERATOR, TIMEOUT, LIMIT, SHUTDOWN, REBOOT } = Cause;
const failed = exited(1);
const steady = restartRules.steadyMs;

function policy(init: MessageInitShape<typeof RestartPolicySchema>) {
  return create(RestartPolicySchema, init);
}

function end(outcome: Outcome, more: Partial<EndedAttempt> = {}): EndedAttempt {
  return { number: 1, failuresBefore: 0, outcome, cause: ITSELF, ranMs: 5, stoppedBy: undefined, ...more };
}

/** In the middle of the jitter. */
function decide(init: MessageInitShape<typeof RestartPolicySchema> | undefined, ended: EndedAttempt) {
  const decision = decideRestart(init && policy(init), ended, 0.5);
  return decision.restart ? decision.pauseMs : decision.reason;
}

const onFailure = { mode: ON_FAILURE };
const always = { mode: ALWAYS };

const rows: readonly (readonly [
  string,
  MessageInitShape<typeof RestartPolicySchema> | undefined,
  EndedAttempt,
  number | string,
])[] = [
  ['no policy', undefined, end(failed), ''],
  ['no mode', {}, end(failed), ''],
  ['a mode of a later version', { mode: 9 as RestartMode }, end(failed), ''],
  ['never', { mode: NEVER }, end(failed), ''],
  ['on failure, of a success', onFailure, end(exited(0)), ''],
  ['on failure, of a failure', onFailure, end(failed), 1_000],
  ['on failure, of a signal', onFailure, end(signaled('SIGSEGV', true)), 1_000],
  [
    'on failure, of a start that the system did not let be',
    onFailure,
    end(notStarted('fork', 11, '')),
    1_000,
  ],
  [
    'on failure, of a time limit, whatever the exit code',
    onFailure,
    end(exited(0), { cause: TIMEOUT }),
    1_000,
  ],
  ['on failure, of a resource limit', onFailure, end(signaled('SIGKILL', false), { cause: LIMIT }), 1_000],
  ['on failure, of a reboot', onFailure, end(unknownOutcome('reboot'), { cause: REBOOT }), 1_000],
  ['always, of a success', always, end(exited(0)), 1_000],
  ["always, of an operator's kill", always, end(signaled('SIGKILL', false), { cause: OPERATOR }), 1_000],
  ["on failure, of an operator's gentle kill", onFailure, end(exited(0), { cause: OPERATOR }), ''],
  [
    "always, of an operator's stop",
    always,
    end(signaled('SIGTERM', false), { cause: OPERATOR, stoppedBy: OPERATOR }),
    'not restarted: an operator stopped it',
  ],
  [
    'always, of a stop that came when its leader had ended already',
    always,
    end(failed, { stoppedBy: OPERATOR }),
    'not restarted: an operator stopped it',
  ],
  [
    'always, of a shutdown',
    always,
    end(failed, { cause: SHUTDOWN, stoppedBy: SHUTDOWN }),
    'not restarted: the cluster is being stopped',
  ],
  [
    'always, of a refusal by the policy',
    always,
    end(notStarted('policy', 0, '')),
    'not restarted: another try would be refused as well',
  ],
  [
    'always, of a limit that the node cannot apply',
    always,
    end(notStarted('cgroup-memory', 2, '')),
    'not restarted: another try would be refused as well',
  ],
  [
    'always, of an end that nobody knows',
    always,
    end(unknownOutcome('monitor lost')),
    'not restarted: nobody knows what became of it',
  ],
  ['two restarts, before the second', { ...always, max: 2 }, end(failed, { number: 2 }), 1_000],
  [
    'two restarts, after the second',
    { ...always, max: 2 },
    end(failed, { number: 3 }),
    'not restarted: its 2 restarts were used',
  ],
  [
    'one restart',
    { ...always, max: 1 },
    end(failed, { number: 2 }),
    'not restarted: its one restart was used',
  ],
  ['the third failure in a row', onFailure, end(failed, { failuresBefore: 2 }), 4_000],
  ['the seventh', onFailure, end(failed, { failuresBefore: 6 }), 60_000],
  ['one that ran for long', onFailure, end(failed, { failuresBefore: 6, ranMs: steady }), 1_000],
  ['a success after failures', always, end(exited(0), { failuresBefore: 6 }), 1_000],
  [
    'its own pauses',
    { ...always, backoffMs: 30n, backoffMaxMs: 50n },
    end(failed, { failuresBefore: 1 }),
    50,
  ],
  [
    'a crash loop',
    onFailure,
    end(failed, { number: 10, failuresBefore: 9 }),
    'not restarted: crash loop, 10 attempts in a row failed within 10 s each',
  ],
  [
    'no crash loop of a policy with a maximum',
    { ...always, max: 50 },
    end(failed, { failuresBefore: 30 }),
    60_000,
  ],
  ['no crash loop of successes', always, end(exited(0), { number: 1_000, failuresBefore: 9 }), 1_000],
  [
    'no crash loop when the tenth ran for long',
    always,
    end(failed, { failuresBefore: 9, ranMs: steady }),
    1_000,
  ],
];

for (const [name, init, ended, expected] of rows) {
  test(`decideRestart() of ${name}`, () => assert.equal(decide(init, ended), expected));
}

test('decideRestart() pauses within a fifth of what the policy says, and always says why it stops one that failed', () => {
  const anyEnd = fc.record({
    number: fc.integer({ min: 1, max: 20 }),
    failuresBefore: fc.nat(100),
    outcome: fc.constantFrom(exited(0), failed, notStarted('policy', 0, ''), unknownOutcome('x')),
    cause: fc.constantFrom(ITSELF, OPERATOR, TIMEOUT, REBOOT),
    ranMs: fc.nat(20_000),
    stoppedBy: fc.constantFrom(undefined, OPERATOR, SHUTDOWN),
  });
  const random = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true });
  const anyPolicy = fc.record({ mode: fc.constantFrom(ON_FAILURE, ALWAYS), max: fc.nat(5) });
  fc.assert(
    fc.property(anyPolicy, anyEnd, random, (init, ended, at) => {
      const decision = decideRestart(policy(init), ended, at);
      if (decision.restart) {
        assert.ok(decision.pauseMs >= 800 && decision.pauseMs <= 72_000, `${decision.pauseMs}`);
        assert.ok(ended.number <= restartsMax(policy(init)));
        assert.equal(ended.stoppedBy, undefined);
      } else if (init.mode === ALWAYS) {
        assert.match(decision.reason, /^not restarted: ./);
      }
    }),
  );
});

test('failuresAfter() counts failures in a row that were short', () => {
  assert.equal(failuresAfter(end(failed, { failuresBefore: 3 })), 4);
  assert.equal(failuresAfter(end(failed, { failuresBefore: 3, ranMs: steady })), 0);
  assert.equal(failuresAfter(end(exited(0), { failuresBefore: 3 })), 0);
});
