/** A run is over when its last task is. */

import type { StoreWriter } from '#controller/store/store.ts';
import { activeStates } from '#core/task-state.ts';
import { type Task, TaskState } from '#protocol/gen/drover/v1/task_pb.ts';

/** Records the end of the runs of which `changed`, stored already, has ended the last task. Looks up no others. */
export async function endRuns(writer: StoreWriter, changed: readonly Task[], nowMs: number): Promise<void> {
  const ended = changed.filter((task) => task.state === TaskState.ENDED);
  for (const id of new Set(ended.map((task) => task.runId))) {
    const left = await writer.listTasks({ runIds: [id], states: activeStates }, { size: 1 });
    if (left.rows.length === 0) await writer.setRunEnded(id, nowMs);
  }
}
