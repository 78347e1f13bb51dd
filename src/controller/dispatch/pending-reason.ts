/**
 * How a pending task is marked that was certainly never sent. The mark is the reason that people read, so that it survives
 * a restart of the controller without a column of its own; it is put on and taken off only inside transactions, taken off before
 * the start goes out.
 */
import { clone } from '@bufbuild/protobuf';
import { type Task, TaskSchema, TaskState } from '#protocol/gen/drover/v1/task_pb.ts';

const waitsForNode = 'waits for its node to connect';

/** Mark of a task whose run starts its tasks as others end. */
export const waitsForTurn = 'waits for its turn';

/** What follows says for how long. */
const waitsForReturn = 'its node is disconnected: ';

/** Why a task ends whose node was expected back and stayed away. */
export const didNotReturn = 'its node did not come back';

/** Whether the task was certainly never sent. */
export function wasNeverSent(task: Task): boolean {
  return isHeld(task) || isForReturn(task);
}

/** Whether the task was never sent and waits, however long: for its turn, or for its node. */
export function isHeld({ state, reason }: Task): boolean {
  return state === TaskState.PENDING && (reason === waitsForNode || reason === waitsForTurn);
}

/** Whether the task was never sent and is to end as unreachable if its node does not come back in time. */
export function isForReturn(task: Task): boolean {
  return task.state === TaskState.PENDING && task.reason.startsWith(waitsForReturn);
}

/** The pending task, marked: it waits for its node however long. */
export function markForNode(task: Task): Task {
  return withReason(task, waitsForNode);
}

/** The pending task, marked: its node is expected back within `withinMs`. */
export function markForReturn(task: Task, withinMs: number): Task {
  return withReason(
    task,
    `${waitsForReturn}unreachable unless it is back in ${Math.ceil(withinMs / 1000)} s`,
  );
}

/** The task with another reason and nothing else changed. */
export function withReason(task: Task, reason: string): Task {
  const next = clone(TaskSchema, task);
  next.reason = reason;
  return next;
}
