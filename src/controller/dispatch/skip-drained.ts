/** What becomes of a task that would be launched on a node that takes none. Pure. */
import type { NodeDrain } from '#controller/store/store.ts';
import { endTask } from '#core/advance-task.ts';
import { skipped } from '#core/outcome.ts';
import { Cause, type Task } from '#protocol/gen/drover/v1/task_pb.ts';

/** The task, skipped with the reason of the drain; undefined where it has ended. */
export function skipDrained(task: Task, { reason }: NodeDrain): Task | undefined {
  const why = `its node is drained: ${reason}`;
  return endTask(task, skipped(why), Cause.OPERATOR, why);
}
