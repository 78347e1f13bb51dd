/** `drover wait`: until tasks have ended, and how they did. */
import { create } from '@bufbuild/protobuf';
import type { CommandLine } from '#base/command-line.ts';
import type { CommandContext } from '#cli/command.ts';
import { exitCodeOfTasks } from '#cli/exit-code-of-tasks.ts';
import { followTasks } from '#cli/follow/follow-tasks.ts';
import { renderFooter } from '#cli/output/footer.ts';
import { parseDuration } from '#cli/output/format-duration.ts';
import { printList } from '#cli/output/print-list.ts';
import type { waitSyntax } from '#cli/syntax/task-syntax.ts';
import { queryNamedTasks } from '#cli/task-query.ts';
import { ListTasksResponseSchema } from '#protocol/gen/drover/v1/api_pb.ts';
import { taskView } from './ps.ts';

/** Waits; the exit code is that of the tasks. */
export async function wait(
  context: CommandContext,
  { options, words }: CommandLine<(typeof waitSyntax)['options']>,
): Promise<number> {
  const query = queryNamedTasks('wait', words, options.nodes, context.selection);
  const timeoutMs = options.timeout === undefined ? undefined : parseDuration(options.timeout, '--timeout');
  const connection = await context.connect(options.data);
  const { out, clock, abort } = context;
  const { tasks, unreachable } = await followTasks(
    connection,
    { query, output: false, timeoutMs, clock, abort },
    { task: () => {}, log: () => {}, contact: () => {}, end: () => {} },
  );
  if (options.output === undefined) {
    for (const line of renderFooter(tasks, unreachable)) out.errLine(line);
  } else {
    const list = create(ListTasksResponseSchema, { tasks: [...tasks] });
    printList(out, options.output, taskView(clock.wallMs(), 'no task'), list, tasks);
  }
  return exitCodeOfTasks(tasks, { literal: false, largest: options.largest ?? false });
}
