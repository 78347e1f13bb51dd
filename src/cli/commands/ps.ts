/** `drover ps`: tasks, by default those that have not ended, node by node. */
import { create } from '@bufbuild/protobuf';
import type { CommandLine } from '#base/command-line.ts';
import { callOptions } from '#cli/call-options.ts';
import type { CommandContext } from '#cli/command.ts';
import { listTasks } from '#cli/list-tasks.ts';
import { type ListView, printList } from '#cli/output/print-list.ts';
import { parseCount } from '#cli/parse-count.ts';
import type { psSyntax } from '#cli/syntax/task-syntax.ts';
import { taskColumns, wideTaskColumns } from '#cli/task-columns.ts';
import { queryTasks } from '#cli/task-query.ts';
import { exitCodes } from '#core/exit-code.ts';
import { compareNames } from '#core/node-set/compare-names.ts';
import { activeStates } from '#core/task-state.ts';
import { ListTasksResponseSchema } from '#protocol/gen/drover/v1/api_pb.ts';
import { TaskSchema } from '#protocol/gen/drover/v1/task_pb.ts';
import { limits } from '#protocol/limits.ts';

/** How tasks are listed at `nowMs` of the wall clock. */
export function taskView(
  nowMs: number,
  empty: string,
): ListView<typeof ListTasksResponseSchema, typeof TaskSchema> {
  return {
    list: ListTasksResponseSchema,
    item: TaskSchema,
    columns: taskColumns(nowMs),
    wide: wideTaskColumns(nowMs),
    name: (task) => task.id,
    empty,
  };
}

/** Lists tasks by their nodes, newest first on each. */
export async function ps(
  context: CommandContext,
  { options, words }: CommandLine<(typeof psSyntax)['options']>,
): Promise<number> {
  const query = queryTasks(words, options.nodes, context.selection);
  const all = options.all || words.length > 0;
  const unlimited = all ? limits.pageDefault : Number.POSITIVE_INFINITY;
  const max = options.last === undefined ? unlimited : parseCount(options.last, '-n');
  const connection = await context.connect(options.data);
  const states = all ? [] : [...activeStates];
  const found = await listTasks(connection, { ...query, states }, callOptions(context), max);
  const tasks = found.toSorted((a, b) => compareNames(a.node, b.node));
  const view = taskView(context.clock.wallMs(), all ? 'no task' : 'no task runs');
  printList(context.out, options.output, view, create(ListTasksResponseSchema, { tasks }), tasks);
  return exitCodes.success;
}
