/** How a task went, in the words by which nodes are chosen again: `drover rerun --failed`, `$failed` at the prompt. */
import { type Ending, endingOf } from '#core/outcome.ts';
import { Cause, type Task } from '#protocol/gen/drover/v1/task_pb.ts';

/** Every task has exactly one. "unreachable" is also what nobody knows the outcome of. */
export type TaskResult = 'ok' | 'failed' | 'skipped' | 'unreachable' | 'running';

const results: Readonly<Record<Ending, TaskResult>> = {
  succeeded: 'ok',
  failed: 'failed',
  not_started: 'failed',
  skipped: 'skipped',
  unreachable: 'unreachable',
  unknown: 'unreachable',
};

/** A task that has not ended is running, be its node away or not; one that its time limit ended has failed, even if in order. */
export function resultOf({ outcome, cause }: Pick<Task, 'outcome' | 'cause'>): TaskResult {
  if (!outcome) return 'running';
  return cause === Cause.TIMEOUT ? 'failed' : results[endingOf(outcome)];
}
