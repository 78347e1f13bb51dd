/**
 * What a task becomes when its agent reports on one of its attempts. Pure: the caller stores the result.
 *
 * Reports are whole snapshots and may come twice or late: an attempt never goes back, an ended task never changes,
 * and a report that brings nothing new gives undefined.
 */
import { clone, equals } from '@bufbuild/protobuf';
import {
  type Attempt,
  AttemptSchema,
  type Cause,
  type Outcome,
  type Task,
  TaskSchema,
  TaskState,
} from '#protocol/gen/drover/v1/task_pb.ts';
import { attemptCanAdvance, taskCanAdvance } from './task-state.ts';

/** The task after the report, or undefined where the report changes nothing. */
export function advanceTask(task: Task, report: Attempt): Task | undefined {
  if (task.state === TaskState.ENDED) return undefined;
  const index = task.attempts.findIndex((attempt) => attempt.number === report.number);
  const known = task.attempts[index];
  if (known && !isNews(known, report)) return undefined;
  const latest = Math.max(0, ...task.attempts.map((attempt) => attempt.number));
  const next = clone(TaskSchema, task);
  if (known) next.attempts[index] = report;
  else next.attempts = [...next.attempts, report].sort((a, b) => a.number - b.number);
  if (report.number >= latest) follow(next, report);
  return next;
}

function isNews(known: Attempt, report: Attempt): boolean {
  if (known.state === report.state) {
    return report.state !== TaskState.ENDED && !equals(AttemptSchema, known, report);
  }
  return attemptCanAdvance(known.state, report.state);
}

function follow(task: Task, report: Attempt): void {
  if (task.state !== report.state && !taskCanAdvance(task.state, report.state)) return;
  task.state = report.state;
  task.reason = report.reason;
  if (report.state === TaskState.ENDED && report.outcome) {
    task.outcome = report.outcome;
    task.cause = report.cause;
  }
}

/** The task ended by the controller's own decision, for one that certainly never ran; undefined where it has ended. */
export function endTask(task: Task, outcome: Outcome, cause: Cause, reason: string): Task | undefined {
  if (!taskCanAdvance(task.state, TaskState.ENDED)) return undefined;
  const next = clone(TaskSchema, task);
  next.state = TaskState.ENDED;
  next.outcome = outcome;
  next.cause = cause;
  next.reason = reason;
  return next;
}
