/** `drover usage`: what the children of each node have used, or what tasks have. */
import { create } from '@bufbuild/protobuf';
import type { CommandLine, OptionValues } from '#base/command-line.ts';
import { callOptions } from '#cli/call-options.ts';
import type { CommandContext } from '#cli/command.ts';
import type { Connection } from '#cli/connect-cluster.ts';
import { listTasks } from '#cli/list-tasks.ts';
import { type ListView, printList } from '#cli/output/print-list.ts';
import { oneLine } from '#cli/output/strip-control.ts';
import type { usageSyntax } from '#cli/syntax/task-syntax.ts';
import { latestAttempt, showCommand } from '#cli/task-columns.ts';
import { queryTasks } from '#cli/task-query.ts';
import { exitCodes } from '#core/exit-code.ts';
import { GetNodeUsageResponseSchema, ListTasksResponseSchema } from '#protocol/gen/drover/v1/api_pb.ts';
import { type NodeUsage, NodeUsageSchema } from '#protocol/gen/drover/v1/node_pb.ts';
import { type Task, TaskSchema } from '#protocol/gen/drover/v1/task_pb.ts';
import { usageColumns } from './usage-fields.ts';

type UsageOptions = (typeof usageSyntax)['options'];

const nodeView: ListView<typeof GetNodeUsageResponseSchema, typeof NodeUsageSchema> = {
  list: GetNodeUsageResponseSchema,
  item: NodeUsageSchema,
  columns: [
    { header: 'NODE', value: ({ node }) => node },
    ...usageColumns<NodeUsage>(({ children }) => children),
  ],
  name: ({ node }) => node,
  empty: 'no node',
};

const taskUsageView: ListView<typeof ListTasksResponseSchema, typeof TaskSchema> = {
  list: ListTasksResponseSchema,
  item: TaskSchema,
  columns: [
    { header: 'TASK', value: ({ id }) => id },
    { header: 'NODE', value: ({ node }) => node },
    ...usageColumns<Task>((task) => latestAttempt(task)?.usage),
    { header: 'COMMAND', value: ({ spec }) => showCommand(spec) },
  ],
  name: ({ id }) => id,
  empty: 'no task',
};

/** Figures of nodes; of tasks where some are named. Exit code 4 where a node could not be asked. */
export async function usage(context: CommandContext, line: CommandLine<UsageOptions>): Promise<number> {
  const connection = await context.connect(line.options.data);
  if (line.words.length > 0) return await usageOfTasks(context, connection, line);
  return await usageOfNodes(context, connection, line.options);
}

async function usageOfNodes(
  context: CommandContext,
  connection: Connection,
  { nodes, output }: OptionValues<UsageOptions>,
): Promise<number> {
  const request = { nodes: nodes ?? context.selection ?? '' };
  const response = await connection.nodes.getNodeUsage(request, callOptions(context));
  printList(context.out, output, nodeView, response, response.nodes);
  const failed = response.nodes.filter(({ error }) => error !== '');
  for (const { node, error } of failed) context.out.errLine(`drover: ${node}: ${oneLine(error)}`);
  return failed.length > 0 ? exitCodes.unreachable : exitCodes.success;
}

async function usageOfTasks(
  context: CommandContext,
  connection: Connection,
  { options, words }: CommandLine<UsageOptions>,
): Promise<number> {
  const query = queryTasks(words, options.nodes, context.selection);
  const tasks = await listTasks(connection, query, callOptions(context));
  const list = create(ListTasksResponseSchema, { tasks });
  printList(context.out, options.output, taskUsageView, list, tasks);
  return exitCodes.success;
}
