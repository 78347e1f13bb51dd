/** What is recorded of a change of a task. Pure. */
import { newEvent } from '#controller/store/new-event.ts';
import type { EventRecord } from '#controller/store/store.ts';
import type { EventKind } from '#core/event-kinds.ts';
import { causeWord, describeOutcome, endingOf } from '#core/outcome.ts';
import { type Task, TaskState } from '#protocol/gen/drover/v1/task_pb.ts';

/** A task before and after one step. */
export interface TaskChange {
  readonly before: Task;
  readonly after: Task;
}

/** The steps of those tasks that `change` gives another form of. */
export function changesBy(tasks: readonly Task[], change: (task: Task) => Task | undefined): TaskChange[] {
  return tasks.flatMap((before) => {
    const after = change(before);
    return after ? [{ before, after }] : [];
  });
}

/** A task begins as pending with its run, whose event says so. */
const kinds: Readonly<Partial<Record<TaskState, EventKind>>> = {
  [TaskState.STARTING]: 'task.starting',
  [TaskState.RUNNING]: 'task.running',
  [TaskState.STOPPING]: 'task.stopping',
  [TaskState.WAITING]: 'task.waiting',
  [TaskState.ENDED]: 'task.ended',
};

/** The event of a step; undefined where neither the task's state nor its attempt is another. */
export function describeChange({ before, after }: TaskChange, atMs: number): EventRecord | undefined {
  const kind = kinds[after.state];
  const attempt = after.attempts.at(-1);
  const isStep = before.state !== after.state || before.attempts.at(-1)?.number !== attempt?.number;
  if (!kind || !isStep) return undefined;
  const data = {
    ...(attempt ? { attempt: String(attempt.number) } : {}),
    ...(attempt && attempt.pid !== 0 ? { pid: String(attempt.pid) } : {}),
    ...(after.outcome
      ? {
          ending: endingOf(after.outcome),
          outcome: describeOutcome(after.outcome),
          cause: causeWord(after.cause),
        }
      : {}),
    ...(after.reason === '' ? {} : { reason: after.reason }),
  };
  return newEvent(atMs, kind, { node: after.node, taskId: after.id, runId: after.runId, data });
}
