/** What an attempt that ended says of the next: core/restart-policy.ts applied to what is known of it here. Pure. */
import { timestampFromMs, timestampMs } from '@bufbuild/protobuf/wkt';
import { decideRestart, type EndedAttempt, failuresAfter } from '#core/restart-policy.ts';
import type { Start } from '#protocol/gen/drover/v1/link_pb.ts';
import type { Attempt, Cause, RestartPolicy } from '#protocol/gen/drover/v1/task_pb.ts';

/** What is known of an ended attempt besides its snapshot. */
export interface AttemptHistory {
  /** Attempts of the task that failed soon, in a row, just before it. */
  readonly failuresBefore: number;
  /** OPERATOR or SHUTDOWN when one of them ordered the end of the task. */
  readonly stoppedBy: Cause | undefined;
}

/** The ended attempt with what its task does next: when it is restarted, or why it is not. @param random in [0, 1). */
export function withRestart(
  attempt: Attempt,
  policy: RestartPolicy | undefined,
  history: AttemptHistory,
  random: number,
): Attempt {
  const ended = endedAttempt(attempt, history);
  if (!ended) return attempt;
  const decision = decideRestart(policy, ended, random);
  const next = { ...attempt };
  if (decision.restart) next.restartAt = timestampFromMs(endMs(attempt) + decision.pauseMs);
  else next.reason = [attempt.reason, decision.reason].filter((line) => line !== '').join('; ');
  return next;
}

/** The order for the attempt that follows. It comes from here and not from afar, so that it cannot come too late. */
export function nextStart(start: Start): Start {
  const { notAfter: _, ...order } = start;
  return { ...order, attempt: start.attempt + 1 };
}

/** `failuresBefore` of the attempt that follows. */
export function failuresBeforeNext(attempt: Attempt, history: AttemptHistory): number {
  const ended = endedAttempt(attempt, history);
  return ended ? failuresAfter(ended) : 0;
}

/** The snapshot of an attempt whose restart is called off. */
export function withoutRestart(attempt: Attempt, cause: Cause, reason: string): Attempt {
  const { restartAt: _, ...rest } = attempt;
  return { ...rest, restartCalledOff: cause, reason };
}

function endedAttempt(attempt: Attempt, history: AttemptHistory): EndedAttempt | undefined {
  const { number, outcome, cause, startedAt } = attempt;
  if (!outcome) return undefined;
  const ranMs = startedAt ? Math.max(0, endMs(attempt) - timestampMs(startedAt)) : 0;
  return { number, outcome, cause, ranMs, ...history };
}

function endMs({ endedAt }: Attempt): number {
  return endedAt ? timestampMs(endedAt) : 0;
}
