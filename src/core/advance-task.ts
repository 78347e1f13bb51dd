/**
 * What a task becomes when its agent reports on one of its attempts. Pure: the caller stores the result.
 *
 * Reports are whole snapshots and may come twice, late or never: an attempt never goes back and keeps the outcome that it has,
 * an ended task never changes, and a report that brings nothing new gives undefined. The latest attempt says where the task is.
 */
import { equals } from '@bufbuild/protobuf';
import { timestampMs } from '@bufbuild/protobuf/wkt';
import {
  type Attempt,
  AttemptSchema,
  Cause,
  type Outcome,
  OutcomeSchema,
  type Task,
  TaskState,
} from '#protocol/gen/drover/v1/task_pb.ts';
import { limits } from '#protocol/limits.ts';
import { describeOutcome } from './outcome.ts';
import { attemptCanAdvance, taskCanAdvance, taskCanRestart } from './task-state.ts';

/** The task after the report, or undefined where the report changes nothing. */
export function advanceTask(task: Task, report: Attempt): Task | undefined {
  if (task.state === TaskState.ENDED) return undefined;
  const known = task.attempts.find((attempt) => attempt.number === report.number);
  const attempt = known ? advanceAttempt(known, report) : report;
  if (!attempt) return undefined;
  const attempts = keptAttempts([...task.attempts.filter((each) => each !== known), attempt]);
  if (!attempts.includes(attempt)) return undefined;
  const next = { ...task, attempts };
  return attempt === attempts.at(-1) ? follow(next, attempt, known === undefined) : next;
}

/** What is known of an attempt after a later snapshot of it; undefined for one that is not later. */
function advanceAttempt(known: Attempt, report: Attempt): Attempt | undefined {
  if (known.state === TaskState.ENDED) return callOff(known, report);
  if (known.outcome && !(report.outcome && equals(OutcomeSchema, known.outcome, report.outcome))) {
    return undefined;
  }
  const isNews =
    known.state === report.state
      ? !equals(AttemptSchema, known, report)
      : attemptCanAdvance(known.state, report.state);
  return isNews ? report : undefined;
}

/** The only change of an ended attempt: it will not be followed by another after all. */
function callOff(known: Attempt, report: Attempt): Attempt | undefined {
  const isCalledOff = report.state === TaskState.ENDED && report.restartCalledOff !== Cause.UNSPECIFIED;
  if (!isCalledOff || !known.restartAt || report.restartAt) return undefined;
  const { reason, restartCalledOff } = report;
  return { ...known, reason, restartCalledOff, restartAt: undefined };
}

/** In the order of their numbers; of more than limits.taskAttemptsMax the first and the latest. */
function keptAttempts(attempts: readonly Attempt[]): Attempt[] {
  const [first, ...others] = attempts.toSorted((a, b) => a.number - b.number);
  return first ? [first, ...others.slice(-(limits.taskAttemptsMax - 1))] : [];
}

/** @param isLater whether the attempt is one that nothing was heard of before. */
function follow(task: Task, attempt: Attempt, isLater: boolean): Task {
  const state = taskStateOf(attempt);
  const isAllowed =
    task.state === state ||
    taskCanAdvance(task.state, state) ||
    (isLater && taskCanRestart(task.state, state));
  if (!isAllowed) return task;
  const reason = state === TaskState.WAITING ? waitingReason(attempt) : attempt.reason;
  if (state !== TaskState.ENDED || !attempt.outcome) return { ...task, state, reason };
  const cause = attempt.restartCalledOff || attempt.cause;
  return { ...task, state, reason, outcome: attempt.outcome, cause };
}

function taskStateOf({ state, restartAt }: Attempt): TaskState {
  return state === TaskState.ENDED && restartAt ? TaskState.WAITING : state;
}

/** Such as "exit 1; attempt 3 in 4 s": counted from the end, since it stays as it is while the time goes by. */
function waitingReason({ number, outcome, reason, endedAt, restartAt }: Attempt): string {
  const how = [outcome ? describeOutcome(outcome) : 'ended', reason].filter((line) => line !== '').join(', ');
  const pauseMs = restartAt && endedAt ? Math.max(0, timestampMs(restartAt) - timestampMs(endedAt)) : 0;
  return `${how}; attempt ${number + 1} in ${Number((pauseMs / 1000).toFixed(1))} s`;
}

/** The task ended by the controller's own decision, for one that certainly never ran; undefined where it has ended. */
export function endTask(task: Task, outcome: Outcome, cause: Cause, reason: string): Task | undefined {
  if (!taskCanAdvance(task.state, TaskState.ENDED)) return undefined;
  return { ...task, state: TaskState.ENDED, outcome, cause, reason };
}
