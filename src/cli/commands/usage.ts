/** `drover usage`: what the children of each node have used, or what tasks have, so far and in all. */
import { create } from '@bufbuild/protobuf';
import type { CommandLine, OptionValues } from '#base/command-line.ts';
import { callOptions } from '#cli/call-options.ts';
import type { CommandContext } from '#cli/command.ts';
import type { Connection } from '#cli/connect-cluster.ts';
import { listTasks } from '#cli/list-tasks.ts';
import { printJson, printJsonLine } from '#cli/output/json.ts';
import { type ListView, printList } from '#cli/output/print-list.ts';
import { sayProblems } from '#cli/output/say-problems.ts';
import { type Column, renderTable } from '#cli/output/table.ts';
import type { usageSyntax } from '#cli/syntax/task-syntax.ts';
import { describeState, latestAttempt, showCommand } from '#cli/task-columns.ts';
import { queryTasks } from '#cli/task-query.ts';
import { compareNames } from '#core/node-set/compare-names.ts';
import { addUsage, sum, totalUsage, type UsageTotal } from '#core/task-usage.ts';
import {
  GetNodeUsageResponseSchema,
  type SampleTasksResponse,
  SampleTasksResponseSchema,
} from '#protocol/gen/drover/v1/api_pb.ts';
import { type NodeUsage, NodeUsageSchema } from '#protocol/gen/drover/v1/node_pb.ts';
import { type Task, type TaskSample, TaskState } from '#protocol/gen/drover/v1/task_pb.ts';
import { totalColumns, usageColumns } from './usage-fields.ts';

type UsageOptions = (typeof usageSyntax)['options'];

/** Figures of nodes; of tasks where some are named. Exit code 4 where a node could not be asked. */
export async function usage(context: CommandContext, line: CommandLine<UsageOptions>): Promise<number> {
  const connection = await context.connect(line.options.data);
  if (line.words.length > 0) return await usageOfTasks(context, connection, line);
  return await usageOfNodes(context, connection, line.options);
}

const nodeFigures = usageColumns<NodeUsage>(({ children }) => children);
const nodeColumns = [{ header: 'NODE', value: ({ node }: NodeUsage) => node }, ...nodeFigures.common];
const nodeView: ListView<typeof GetNodeUsageResponseSchema, typeof NodeUsageSchema> = {
  list: GetNodeUsageResponseSchema,
  item: NodeUsageSchema,
  columns: nodeColumns,
  wide: [...nodeColumns, ...nodeFigures.more],
  name: ({ node }) => node,
  empty: 'no node',
};

async function usageOfNodes(
  context: CommandContext,
  connection: Connection,
  { nodes, output }: OptionValues<UsageOptions>,
): Promise<number> {
  const request = { nodes: nodes ?? context.selection ?? '' };
  const response = await connection.nodes.getNodeUsage(request, callOptions(context));
  printList(context.out, output, nodeView, response, response.nodes);
  return sayProblems(
    context.out,
    response.nodes.filter(({ error }) => error !== ''),
  );
}

/** A line of the table: a task, or at the end all of them. */
interface UsageRow {
  readonly task: Task | undefined;
  readonly total: UsageTotal | undefined;
}

async function usageOfTasks(
  context: CommandContext,
  connection: Connection,
  { options, words }: CommandLine<UsageOptions>,
): Promise<number> {
  const { out } = context;
  const query = queryTasks(words, options.nodes, context.selection);
  // First what runs: a task that ends in between is told by its end, and is counted once.
  const sampled = await connection.tasks.sampleTasks({ query }, callOptions(context));
  const listed = await listTasks(connection, query, callOptions(context));
  const { tasks, samples } = joinSamples(sampled, listed);
  const { problems } = sampled;
  const whole = create(SampleTasksResponseSchema, { tasks, samples: [...samples.values()], problems });
  if (options.output === 'json') printJson(out, SampleTasksResponseSchema, whole);
  else if (options.output === 'jsonl') {
    for (const task of tasks) {
      const sample = samples.get(task.id);
      const one = { tasks: [task], samples: sample ? [sample] : [] };
      printJsonLine(out, SampleTasksResponseSchema, create(SampleTasksResponseSchema, one));
    }
  } else if (options.output === 'name') for (const { id } of tasks) out.outLine(id);
  else if (tasks.length === 0) out.errLine('no task');
  else printTable(context, options.output === 'wide', tasks, samples);
  return sayProblems(out, problems);
}

/** The tasks by their nodes; one that runs as it was when it was sampled. */
function joinSamples(
  sampled: SampleTasksResponse,
  listed: readonly Task[],
): { tasks: Task[]; samples: Map<string, TaskSample> } {
  const ended = new Set(listed.flatMap(({ id, state }) => (state === TaskState.ENDED ? [id] : [])));
  const samples = new Map(
    sampled.samples.flatMap((sample) => (ended.has(sample.taskId) ? [] : [[sample.taskId, sample]])),
  );
  const asSampled = new Map(sampled.tasks.map((task) => [task.id, task]));
  const tasks = listed
    .map((task) => (samples.has(task.id) ? (asSampled.get(task.id) ?? task) : task))
    .sort((a, b) => compareNames(a.node, b.node));
  return { tasks, samples };
}

function printTable(
  { out }: CommandContext,
  wide: boolean,
  tasks: readonly Task[],
  samples: ReadonlyMap<string, TaskSample>,
): void {
  const rows = tasks.map((task): UsageRow => ({ task, total: totalUsage(task, samples.get(task.id)) }));
  const { common, more } = totalColumns<UsageRow>(({ total }) => total);
  const columns: Column<UsageRow>[] = [
    { header: 'TASK', value: ({ task }) => task?.id ?? 'all' },
    { header: 'NODE', value: ({ task }) => task?.node ?? '' },
    { header: 'STATE', value: ({ task }) => (task ? describeState(task) : '') },
    ...common,
    ...(wide ? [...more, attemptsColumn] : []),
    { header: 'COMMAND', value: ({ task }) => showCommand(task?.spec) },
  ];
  const all = rows.length > 1 ? [{ task: undefined, total: sumOf(rows) }] : [];
  for (const line of renderTable(columns, [...rows, ...all], out.columns)) out.outLine(line);
  for (const { id, attempts } of tasks) {
    const count = attempts.at(-1)?.number ?? 0;
    if (count <= attempts.length) continue;
    out.errLine(
      `drover: of the ${count} attempts of ${id} only ${attempts.length} are kept, and counted here`,
    );
  }
}

const attemptsColumn: Column<UsageRow> = {
  header: 'ATTEMPTS',
  right: true,
  value: ({ task }) => (task ? String(latestAttempt(task)?.number ?? 0) : ''),
};

/** Tasks run beside one another: their memory adds up too. Undefined where nothing is known of any. */
function sumOf(rows: readonly UsageRow[]): UsageTotal | undefined {
  const totals = rows.flatMap(({ total }) => total ?? []);
  if (totals.length === 0) return undefined;
  const memoryBytes = totals.map((total) => total.memoryBytes).reduce(sum);
  return { ...totals.reduce(addUsage), memoryBytes };
}
