/** Counting a run's tasks by how they ended. */
import { create } from '@bufbuild/protobuf';
import { type RunCounts, RunCountsSchema, type Task, TaskState } from '#protocol/gen/drover/v1/task_pb.ts';
import { type Ending, endingOf } from './outcome.ts';

const fields = {
  succeeded: 'succeeded',
  failed: 'failed',
  not_started: 'notStarted',
  skipped: 'skipped',
  unreachable: 'unreachable',
  unknown: 'unknown',
} as const satisfies Record<Ending, keyof RunCounts>;

/** Counts out of the number of tasks for each ending; those without one are active. */
export function runCounts(total: number, ended: ReadonlyMap<Ending, number>): RunCounts {
  const counts = create(RunCountsSchema, { total, active: total });
  for (const [ending, count] of ended) {
    counts[fields[ending]] += count;
    counts.active -= count;
  }
  return counts;
}

/** Counts of these tasks. */
export function countTasks(tasks: readonly Task[]): RunCounts {
  const ended = new Map<Ending, number>();
  for (const task of tasks) {
    if (task.state !== TaskState.ENDED || !task.outcome) continue;
    const ending = endingOf(task.outcome);
    ended.set(ending, (ended.get(ending) ?? 0) + 1);
  }
  return runCounts(tasks.length, ended);
}
