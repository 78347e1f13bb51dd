/** The exit code of a command that waited for tasks. */
import { exitCodeOf, exitCodeOfOne, exitCodes, type TaskEnd } from '#core/exit-code.ts';
import { signalNumber } from '#core/signals.ts';
import { Cause, type Task } from '#protocol/gen/drover/v1/task_pb.ts';

/** By which rule the code is found. */
export interface ExitRule {
  /** The target was exactly one plain node name: the command's own code counts. */
  readonly literal: boolean;
  /** The largest code of all counts. */
  readonly largest: boolean;
}

/** Exit code for these tasks; one without an outcome counts as unreachable. */
export function exitCodeOfTasks(tasks: readonly Task[], { literal, largest }: ExitRule): number {
  const ends = tasks.map(endOf);
  const own = ends.map((end) => exitCodeOfOne(end, signalNumber));
  if (largest) return Math.max(exitCodes.success, ...own);
  if (literal && own.length === 1) return own[0] ?? exitCodes.success;
  return exitCodeOf(ends);
}

function endOf({ outcome, cause }: Task): TaskEnd {
  return { outcome, timedOut: cause === Cause.TIMEOUT };
}
