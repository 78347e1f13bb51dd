/** What is said, and with which code a command ends, when somebody has left a task's line. */
import type { CommandContext } from '#cli/command.ts';
import { exitCodeOfTasks } from '#cli/exit-code-of-tasks.ts';
import type { SeatEnd } from '#cli/line/sit-at-terminal.ts';
import { renderFooter } from '#cli/output/footer.ts';
import type { Output } from '#cli/output/output.ts';
import { exitCodes } from '#core/exit-code.ts';
import type { Task } from '#protocol/gen/drover/v1/task_pb.ts';

/** Waits for the end of a visit to the terminal of a task, and says how to come back where it goes on. */
export async function leaveSeat(
  { out, abort }: CommandContext,
  taskId: string,
  visit: Promise<SeatEnd>,
): Promise<number> {
  let end: SeatEnd;
  try {
    end = await visit;
  } catch (error) {
    if (!abort.aborted) out.errLine(`drover: task ${taskId} may go on without us: drover attach ${taskId}`);
    throw error;
  }
  switch (end.kind) {
    case 'ended':
      sayNotStarted(out, end.tasks);
      return exitCodeOfTasks(end.tasks, { literal: true, largest: false });
    case 'detached': {
      const doubt = end.heard ? '' : '; its node has not heard it yet, and may hang it up';
      out.errLine(`\ndrover: detached${doubt}; to come back: drover attach ${taskId}`);
      return exitCodes.success;
    }
    case 'refused':
      out.errLine(`\ndrover: left task ${taskId}: ${end.reason}; to come back: drover attach ${taskId}`);
      return exitCodes.requestFailed;
  }
}

/** Why no process ever ran, or nobody knows how it ended: what the exit code alone does not tell. */
export function sayNotStarted(out: Output, tasks: readonly Task[]): void {
  const untold = tasks.filter(({ outcome }) => !['exited', 'signaled'].includes(outcome?.kind.case ?? ''));
  for (const line of untold.length > 0 ? renderFooter(untold).slice(1) : []) out.errLine(`drover: ${line}`);
}
