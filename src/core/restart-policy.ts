/**
 * Whether an ended attempt is followed by another, and when. Pure: the agent measures, keeps the time and carries it out.
 *
 * A restart answers how an attempt ended, not who brought that about: a task that an operator kills comes back, as a unit of
 * systemd does. What must not come back is stopped: a stop is an order about the task, a kill is one signal.
 *
 *   attempt ended ──► stopped? refused? nobody knows? nothing to do? restarts used up? crash loop? ──no──► pause ──► next
 *                                              │ yes
 *                                              └──► the task has ended, with this attempt's outcome
 */
import { Cause, type Outcome, RestartMode, type RestartPolicy } from '#protocol/gen/drover/v1/task_pb.ts';
import { limits } from '#protocol/limits.ts';
import { endingOf } from './outcome.ts';

/** The numbers that no policy sets. */
export const restartRules = {
  /** An attempt that ran so long was a good start, whatever came of it: the pauses begin anew. systemd's default window. */
  steadyMs: 10_000,
  /** So many failed attempts in a row, none of them steady, are a crash loop: with the default pauses some four minutes. */
  crashLoopAttempts: 10,
  /** The share by which a pause is longer or shorter, so that what failed together does not return together. */
  jitter: 0.2,
} as const;

/** An attempt that has ended. */
export interface EndedAttempt {
  /** From 1; each before it was followed by a restart. */
  readonly number: number;
  /** Failed attempts that were not steady, in a row, just before it. */
  readonly failuresBefore: number;
  readonly outcome: Outcome;
  readonly cause: Cause;
  /** From its start until nothing of it was left, milliseconds; 0 when it never started. */
  readonly ranMs: number;
  /** Who ordered the end of the task, whether that brought this end about or not: OPERATOR, SHUTDOWN, or nobody. */
  readonly stoppedBy: Cause | undefined;
}

/** What follows, with a line for a person that is empty where the outcome says it all. */
export type RestartDecision =
  | { readonly restart: true; readonly pauseMs: number }
  | { readonly restart: false; readonly reason: string };

/** What a start fails at that would fail in the same way again: what was refused, and limits that the node cannot apply. */
const lastingSteps: readonly string[] = [
  'policy',
  'agent',
  'cgroup-cpu',
  'cgroup-memory',
  'cgroup-processes',
];

/** Decides. @param random in [0, 1), for the jitter. */
export function decideRestart(
  policy: RestartPolicy | undefined,
  ended: EndedAttempt,
  random: number,
): RestartDecision {
  if (!policy || restartsMax(policy) === 0) return { restart: false, reason: '' };
  const reason = reasonToStop(policy, ended);
  if (reason !== undefined) return { restart: false, reason };
  return { restart: true, pauseMs: pauseMs(policy, failuresAfter(ended), random) };
}

/** Restarts that a policy allows at the most; Infinity where it sets no limit. */
export function restartsMax(policy: RestartPolicy | undefined): number {
  const { mode = RestartMode.NEVER, max = 0 } = policy ?? {};
  if (mode !== RestartMode.ON_FAILURE && mode !== RestartMode.ALWAYS) return 0;
  return max || Number.POSITIVE_INFINITY;
}

/** Longest pause before a restart, milliseconds. */
export function pauseMaxMs({ backoffMaxMs }: RestartPolicy): number {
  return (1 + restartRules.jitter) * longestMs(backoffMaxMs);
}

/** Why a task is not restarted that somebody stopped. */
export function reasonOfStop(by: Cause): string {
  return `not restarted: ${by === Cause.SHUTDOWN ? 'the cluster is being stopped' : 'an operator stopped it'}`;
}

/** Failed attempts that were not steady, in a row, this one included; 0 when it was none of them. */
export function failuresAfter(ended: EndedAttempt): number {
  return isFailure(ended) && ended.ranMs < restartRules.steadyMs ? ended.failuresBefore + 1 : 0;
}

function reasonToStop(policy: RestartPolicy, ended: EndedAttempt): string | undefined {
  const { outcome, cause, stoppedBy, number } = ended;
  const { kind } = outcome;
  if (stoppedBy !== undefined) return reasonOfStop(stoppedBy);
  if (kind.case === 'notStarted' && lastingSteps.includes(kind.value.step)) {
    return 'not restarted: another try would be refused as well';
  }
  if (endingOf(outcome) === 'unknown' && cause !== Cause.REBOOT) {
    return 'not restarted: nobody knows what became of it';
  }
  if (policy.mode === RestartMode.ON_FAILURE && !isFailure(ended)) return '';
  if (number > restartsMax(policy)) {
    return `not restarted: ${policy.max === 1 ? 'its one restart was' : `its ${policy.max} restarts were`} used`;
  }
  const { crashLoopAttempts, steadyMs } = restartRules;
  if (policy.max === 0 && failuresAfter(ended) >= crashLoopAttempts) {
    return `not restarted: crash loop, ${crashLoopAttempts} attempts in a row failed within ${steadyMs / 1000} s each`;
  }
  return undefined;
}

/** A time limit that was reached is a failure even where the process then exits in order. */
function isFailure({ outcome, cause }: EndedAttempt): boolean {
  return cause === Cause.TIMEOUT || endingOf(outcome) !== 'succeeded';
}

function pauseMs({ backoffMs, backoffMaxMs }: RestartPolicy, failures: number, random: number): number {
  const firstMs = Number(backoffMs) || limits.restartBackoffDefaultMs;
  // Far beyond the longest pause that can be asked for; a greater power would not be a number.
  const doublings = Math.min(Math.max(0, failures - 1), 30);
  const evenMs = Math.min(longestMs(backoffMaxMs), firstMs * 2 ** doublings);
  return Math.round(evenMs * (1 + restartRules.jitter * (2 * random - 1)));
}

function longestMs(backoffMaxMs: bigint): number {
  return Number(backoffMaxMs) || limits.restartBackoffMaxDefaultMs;
}
