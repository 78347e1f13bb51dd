/**
 * How a pending task is marked that was certainly never sent. The mark is the reason that people read, so that it survives
 * a restart of the controller without a column of its own; it is put on and taken off only inside transactions, taken off before
 * the start goes out.
 */
import { clone } from '@bufbuild/protobuf';
import { type Task, TaskSchema, TaskState } from '#protocol/gen/drover/v1/task_pb.ts';

const waitsForNode = 'waits for its node to connect';

/** Whether the task was certainly never sent. */
export function wasNeverSent(task: Task): boolean {
  return task.state === TaskState.PENDING && task.reason === waitsForNode;
}

/** The pending task, marked. */
export function markNeverSent(task: Task): Task {
  return withReason(task, waitsForNode);
}

/** The task with another reason and nothing else changed. */
export function withReason(task: Task, reason: string): Task {
  const next = clone(TaskSchema, task);
  next.reason = reason;
  return next;
}
