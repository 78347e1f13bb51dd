/**
 * What a batch of events makes of the tasks they are about. Pure: the caller loads, stores and publishes.
 */
import { advanceTask } from '#core/advance-task.ts';
import type { Event } from '#protocol/gen/drover/v1/link_pb.ts';
import type { Task } from '#protocol/gen/drover/v1/task_pb.ts';
import type { NodeName, TaskId } from '#protocol/ids.ts';
import type { TaskChange } from './describe-change.ts';
import { refuseEvent } from './judge-event.ts';

/** One event and where it came from. */
export interface Arrival {
  /** The node, as its certificate says. */
  readonly node: NodeName;
  readonly event: Event;
  /** Size of its frame. */
  readonly bytes: number;
}

/** What is to be done. */
export interface IngestPlan {
  /** Every step of a task, in the order of the events. */
  readonly changes: readonly TaskChange[];
  /** Events that nothing is done about. */
  readonly refused: readonly { readonly arrival: Arrival; readonly reason: string }[];
}

/** Applies `arrivals` in their order to `tasks`. */
export function planIngest(tasks: readonly Task[], arrivals: readonly Arrival[]): IngestPlan {
  const known = new Map<TaskId, Task>(tasks.map((task) => [task.id, task]));
  const changes: TaskChange[] = [];
  const refused: { arrival: Arrival; reason: string }[] = [];
  for (const arrival of arrivals) {
    const { event, bytes, node } = arrival;
    const task = known.get(event.taskId);
    const reason = refuseEvent(event, bytes, node, task);
    if (reason !== undefined) {
      refused.push({ arrival, reason });
      continue;
    }
    const next = task && event.attempt && advanceTask(task, event.attempt);
    if (!next) continue;
    known.set(next.id, next);
    changes.push({ before: task, after: next });
  }
  return { changes, refused };
}
