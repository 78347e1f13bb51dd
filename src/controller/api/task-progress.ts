/**
 * Which of two pictures of one task is the later one. Pictures come on two ways (from the store, and as changes), so
 * one may overtake the other; a follower must never show a task going back. Pure.
 */
import { type Task, TaskState } from '#protocol/gen/drover/v1/task_pb.ts';

const order: readonly TaskState[] = [
  TaskState.PENDING,
  TaskState.STARTING,
  TaskState.RUNNING,
  TaskState.STOPPING,
  TaskState.WAITING,
];

/** Whether `task` certainly is an older picture than `known`. Equal ones are not: something else may have changed. */
export function isOlder(task: Task, known: Task): boolean {
  if (known.state === TaskState.ENDED) return task.state !== TaskState.ENDED;
  if (task.state === TaskState.ENDED) return false;
  const attempts = latestAttempt(task) - latestAttempt(known);
  return attempts === 0 ? order.indexOf(task.state) < order.indexOf(known.state) : attempts < 0;
}

/** Number of the latest attempt; 0 before the first. */
export function latestAttempt(task: Task): number {
  return task.attempts.at(-1)?.number ?? 0;
}
