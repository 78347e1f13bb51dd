/** How tasks end, in words and in classes. One author for what people read of an outcome. */
import { create } from '@bufbuild/protobuf';
import { timestampFromMs } from '@bufbuild/protobuf/wkt';
import { Cause, type Outcome, OutcomeSchema } from '#protocol/gen/drover/v1/task_pb.ts';

/** The class that an outcome counts in. */
export type Ending = 'succeeded' | 'failed' | 'not_started' | 'skipped' | 'unreachable' | 'unknown';

/** Every ending, in the order in which a footer lists them. */
export const endings: readonly Ending[] = [
  'succeeded',
  'failed',
  'not_started',
  'skipped',
  'unreachable',
  'unknown',
];

/** Class of an outcome. An outcome that this version does not know counts as unknown, never as success. */
export function endingOf(outcome: Outcome): Ending {
  switch (outcome.kind.case) {
    case 'exited':
      return outcome.kind.value.code === 0 ? 'succeeded' : 'failed';
    case 'signaled':
      return 'failed';
    case 'notStarted':
      return 'not_started';
    case 'skipped':
      return 'skipped';
    case 'unreachable':
      return 'unreachable';
    default:
      return 'unknown';
  }
}

/** One line that says how it ended, such as "exit 1" or "not started: chdir /nope: no such file or directory". */
export function describeOutcome(outcome: Outcome): string {
  const { kind } = outcome;
  switch (kind.case) {
    case 'exited':
      return `exit ${kind.value.code}`;
    case 'signaled':
      return kind.value.coreDumped ? `${kind.value.signal}, core dumped` : kind.value.signal;
    case 'notStarted':
      return `not started: ${kind.value.reason}`;
    case 'skipped':
      return `skipped: ${kind.value.reason}`;
    case 'unreachable':
      return `unreachable: ${kind.value.reason}`;
    case 'unknown':
      return `unknown: ${kind.value.reason}`;
    default:
      return 'unknown';
  }
}

/** Causes that say more than the outcome alone, which may look like a success or like somebody's signal. */
const tellingCauses: Readonly<Partial<Record<Cause, string>>> = {
  [Cause.TIMEOUT]: 'timed out',
  [Cause.LIMIT]: 'over a limit',
};

/** How it ended, and by what where that is not to be seen from it: "exit 1", "timed out (SIGTERM)", "over a limit (SIGKILL)". */
export function describeEnd(outcome: Outcome, cause: Cause): string {
  const how = describeOutcome(outcome);
  const by = tellingCauses[cause];
  return by === undefined ? how : `${by} (${how})`;
}

const causeWords: Readonly<Record<Cause, string>> = {
  [Cause.UNSPECIFIED]: '',
  [Cause.ITSELF]: 'itself',
  [Cause.OPERATOR]: 'operator',
  [Cause.TIMEOUT]: 'timeout',
  [Cause.LIMIT]: 'limit',
  [Cause.SHUTDOWN]: 'shutdown',
  [Cause.REBOOT]: 'reboot',
};

/** The cause's word; empty where there is none yet. */
export function causeWord(cause: Cause): string {
  return causeWords[cause] ?? String(cause);
}

/** `exited(code)`. */
export function exited(code: number): Outcome {
  return create(OutcomeSchema, { kind: { case: 'exited', value: { code } } });
}

/** `signaled(signal)`; `signal` is a name such as "SIGKILL". */
export function signaled(signal: string, coreDumped: boolean): Outcome {
  return create(OutcomeSchema, { kind: { case: 'signaled', value: { signal, coreDumped } } });
}

/** `not-started(step, reason)`; `errno` 0 where no system call failed. */
export function notStarted(step: string, errno: number, reason: string): Outcome {
  return create(OutcomeSchema, { kind: { case: 'notStarted', value: { step, errno, reason } } });
}

/** `unknown(reason)`. */
export function unknownOutcome(reason: string): Outcome {
  return create(OutcomeSchema, { kind: { case: 'unknown', value: { reason } } });
}

/** `skipped(reason)`. */
export function skipped(reason: string): Outcome {
  return create(OutcomeSchema, { kind: { case: 'skipped', value: { reason } } });
}

/** `unreachable(reason, since)`; `seenAtMs` undefined where the node was never heard of. */
export function unreachable(reason: string, seenAtMs: number | undefined): Outcome {
  const seenAt = seenAtMs === undefined ? {} : { seenAt: timestampFromMs(seenAtMs) };
  return create(OutcomeSchema, { kind: { case: 'unreachable', value: { reason, ...seenAt } } });
}
