/** `drover stop`: ends tasks, gently first, and waits for it. */
import type { CommandLine } from '#base/command-line.ts';
import { callOptions } from '#cli/call-options.ts';
import type { CommandContext } from '#cli/command.ts';
import { followIds } from '#cli/follow/follow-ids.ts';
import { renderFooter } from '#cli/output/footer.ts';
import { parseDuration } from '#cli/output/format-duration.ts';
import type { stopSyntax } from '#cli/syntax/task-syntax.ts';
import { queryNamedTasks } from '#cli/task-query.ts';
import { exitCodes } from '#core/exit-code.ts';
import { TaskState } from '#protocol/gen/drover/v1/task_pb.ts';
import { printActions } from './print-actions.ts';

/** Exit code 0 when everything that was named has ended, however it did; 5 where SIGKILL has not ended something. */
export async function stop(
  context: CommandContext,
  { options, words }: CommandLine<(typeof stopSyntax)['options']>,
): Promise<number> {
  const query = queryNamedTasks('stop', words, options.nodes, context.selection);
  const graceMs = options.grace === undefined ? 0 : parseDuration(options.grace, '--grace');
  const connection = await context.connect(options.data);
  const { out, clock, abort } = context;
  const response = await connection.tasks.stopTasks(
    { query, graceMs: BigInt(graceMs) },
    callOptions(context),
  );
  const exitCode = printActions(out, options.output, 'stopping', response);
  const refs = response.results.filter(({ error }) => error === '').map(({ taskId }) => taskId);
  if (options['no-wait'] || refs.length === 0) return exitCode;
  const { tasks, unreachable } = await followIds(connection, refs, { leavesSurvivors: true, clock, abort });
  if (options.output !== 'json') for (const line of renderFooter(tasks, unreachable)) out.errLine(line);
  if (unreachable.size > 0) return exitCodes.unreachable;
  return tasks.every(({ state }) => state === TaskState.ENDED) ? exitCode : exitCodes.taskFailed;
}
