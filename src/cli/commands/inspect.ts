/** `drover inspect`: everything that is known of one task or one run. */
import { create } from '@bufbuild/protobuf';
import { type CommandLine, UsageError } from '#base/command-line.ts';
import { callOptions } from '#cli/call-options.ts';
import type { CommandContext } from '#cli/command.ts';
import { listTasks } from '#cli/list-tasks.ts';
import { renderFooter } from '#cli/output/footer.ts';
import { showTime } from '#cli/output/format-time.ts';
import { printJson } from '#cli/output/json.ts';
import { renderTable } from '#cli/output/table.ts';
import type { inspectSyntax } from '#cli/syntax/task-syntax.ts';
import { taskColumns } from '#cli/task-columns.ts';
import { exitCodes } from '#core/exit-code.ts';
import { compareNames } from '#core/node-set/compare-names.ts';
import { CreateRunResponseSchema } from '#protocol/gen/drover/v1/api_pb.ts';
import { type Run, TaskSchema } from '#protocol/gen/drover/v1/task_pb.ts';
import { type Field, printFields } from './print-fields.ts';
import { specFields } from './spec-fields.ts';
import { attemptColumns, taskFields } from './task-fields.ts';

/** Shows a task; or a run with its tasks, since only the id of a run has dashes in it. */
export async function inspect(
  context: CommandContext,
  { options, words }: CommandLine<(typeof inspectSyntax)['options']>,
): Promise<number> {
  const [ref] = words;
  if (ref === undefined)
    throw new UsageError('drover inspect: which task? give its id, NODE:PID or PID; drover ps lists them');
  const { out, clock } = context;
  const connection = await context.connect(options.data);
  const call = callOptions(context);
  if (/^[0-9a-f]+-[0-9a-f-]*$/.test(ref)) {
    const run = await connection.runs.getRun({ id: ref }, call);
    const tasks = await listTasks(connection, { runId: run.id }, call);
    tasks.sort((a, b) => compareNames(a.node, b.node));
    if (options.output === 'json')
      printJson(out, CreateRunResponseSchema, create(CreateRunResponseSchema, { run, tasks }));
    else {
      printFields(out, [...runFields(run), ['ended how', renderFooter(tasks)[0] ?? '']]);
      for (const row of renderTable(taskColumns(clock.wallMs()), tasks, out.columns)) out.outLine(row);
    }
    return exitCodes.success;
  }
  const task = await connection.tasks.getTask({ ref }, call);
  if (options.output === 'json') {
    printJson(out, TaskSchema, task);
    return exitCodes.success;
  }
  printFields(out, taskFields(task, clock.wallMs()));
  const earlier = task.attempts.slice(0, -1).reverse();
  if (earlier.length > 0)
    for (const row of renderTable(attemptColumns, earlier, out.columns)) out.outLine(row);
  return exitCodes.success;
}

function runFields(run: Run): Field[] {
  return [
    ['run', run.id],
    ['name', run.name],
    ['nodes', run.nodes],
    ['by', run.createdBy],
    ['created', showTime(run.createdAt)],
    ['ended', run.endedAt ? showTime(run.endedAt) : ''],
    ...specFields(run.spec),
  ];
}
