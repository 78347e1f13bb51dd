/** A line on standard error for each task whose output may not be whole, because the disk that it went to was full. */
import type { Attempt, Task } from '#protocol/gen/drover/v1/task_pb.ts';
import { showTime } from './format-time.ts';
import type { Output } from './output.ts';

/** @param isShown of which attempts the output is shown; default the latest of each task. */
export function sayFullDisks(
  out: Output,
  tasks: readonly Task[],
  isShown: (attempt: Attempt, task: Task) => boolean = (attempt, task) => attempt === task.attempts.at(-1),
): void {
  for (const task of tasks) {
    const full = task.attempts.find((attempt) => attempt.logDiskFullAt && isShown(attempt, task));
    if (!full?.logDiskFullAt) continue;
    out.errLine(
      `drover: ${task.node}: the disk of the logs was full at ${showTime(full.logDiskFullAt)}, while task ${task.id} ran: output may be missing`,
    );
  }
}
