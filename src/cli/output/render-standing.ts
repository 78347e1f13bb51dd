/** How far a run is, for somebody who asks while it goes on: who has not ended, and how many have. Pure. */
import { foldNodeNames } from '#core/node-set/fold-node-names.ts';
import { stateWord } from '#core/task-state.ts';
import { type Task, TaskState } from '#protocol/gen/drover/v1/task_pb.ts';
import { formatDuration } from './format-duration.ts';

/** One line: "after 12s: running on web[1-2]; waiting on db1; 97 of 100 ended". */
export function renderStanding(tasks: readonly Task[], elapsedMs: number): string {
  const byState = Map.groupBy(tasks, ({ state }) => state);
  const ended = byState.get(TaskState.ENDED)?.length ?? 0;
  byState.delete(TaskState.ENDED);
  const active = [...byState]
    .sort(([a], [b]) => a - b)
    .map(([state, those]) => `${stateWord(state)} on ${foldNodeNames(those.map(({ node }) => node))}`);
  return `after ${formatDuration(elapsedMs)}: ${[...active, `${ended} of ${tasks.length} ended`].join('; ')}`;
}
