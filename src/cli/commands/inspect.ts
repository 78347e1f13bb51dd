/** `drover inspect`: everything that is known of one task or one run. */
import { create } from '@bufbuild/protobuf';
import { type CommandLine, UsageError } from '#base/command-line.ts';
import { callOptions } from '#cli/call-options.ts';
import type { CommandContext } from '#cli/command.ts';
import { listTasks } from '#cli/list-tasks.ts';
import { renderFooter } from '#cli/output/footer.ts';
import { formatSize } from '#cli/output/format-size.ts';
import { showTime } from '#cli/output/format-time.ts';
import { printJson } from '#cli/output/json.ts';
import { oneLine } from '#cli/output/strip-control.ts';
import { renderTable } from '#cli/output/table.ts';
import type { inspectSyntax } from '#cli/syntax/task-syntax.ts';
import { describeState, ranFor, showCommand, taskColumns } from '#cli/task-columns.ts';
import { exitCodes } from '#core/exit-code.ts';
import { compareNames } from '#core/node-set/compare-names.ts';
import { causeWord, describeOutcome } from '#core/outcome.ts';
import { stateWord } from '#core/task-state.ts';
import { CreateRunResponseSchema } from '#protocol/gen/drover/v1/api_pb.ts';
import {
  type Attempt,
  type Run,
  type Task,
  TaskSchema,
  type TaskSpec,
} from '#protocol/gen/drover/v1/task_pb.ts';
import { groupFields, usageFields } from './usage-fields.ts';

/** One name and value; an empty value is not shown. */
type Field = readonly [string, string];

/** Width of the names. */
const fieldColumns = 24;

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
      printFields(context, [...runFields(run), ['ended how', renderFooter(tasks)[0] ?? '']]);
      for (const row of renderTable(taskColumns(clock.wallMs()), tasks, out.columns)) out.outLine(row);
    }
    return exitCodes.success;
  }
  const task = await connection.tasks.getTask({ ref }, call);
  if (options.output === 'json') printJson(out, TaskSchema, task);
  else printFields(context, taskFields(task, clock.wallMs()));
  return exitCodes.success;
}

function printFields({ out }: CommandContext, fields: readonly Field[]): void {
  for (const [name, value] of fields) {
    if (value !== '') out.outLine(`${`${name}:`.padEnd(fieldColumns)}${oneLine(value)}`);
  }
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

function taskFields(task: Task, nowMs: number): Field[] {
  return [
    ['task', task.id],
    ['run', task.runId],
    ['node', task.node],
    ['state', describeState(task)],
    ['reason', task.reason],
    ['outcome', task.outcome ? describeOutcome(task.outcome) : ''],
    ['cause', causeWord(task.cause)],
    ['created', showTime(task.createdAt)],
    ['ran for', ranFor(task, nowMs)],
    ...specFields(task.spec),
    ...task.attempts.flatMap((attempt) => attemptFields(attempt)),
  ];
}

function specFields(spec: TaskSpec | undefined): Field[] {
  if (!spec) return [];
  return [
    ['command', showCommand(spec)],
    ['shell', spec.shell ? 'yes' : ''],
    ['user', spec.user],
    ['directory', spec.cwd],
    [
      'environment',
      Object.entries(spec.env)
        .map(([name, value]) => `${name}=${value}`)
        .join(' '),
    ],
    ['time limit', spec.timeoutMs > 0n ? `${Number(spec.timeoutMs) / 1000} s` : ''],
    [
      'stop',
      spec.stopSignal || spec.stopGraceMs
        ? `${spec.stopSignal || 'SIGTERM'}, ${Number(spec.stopGraceMs || 10_000n) / 1000} s`
        : '',
    ],
  ];
}

function attemptFields(attempt: Attempt): Field[] {
  return [
    [`attempt ${attempt.number}`, stateWord(attempt.state)],
    ['  reason', attempt.reason],
    ['  pid', attempt.pid > 0 ? String(attempt.pid) : ''],
    ['  binary', attempt.binary],
    ['  started', attempt.startedAt ? showTime(attempt.startedAt) : ''],
    ['  ended', attempt.endedAt ? showTime(attempt.endedAt) : ''],
    ['  outcome', attempt.outcome ? describeOutcome(attempt.outcome) : ''],
    [
      '  output',
      attempt.outcome ? `${formatSize(attempt.stdoutBytes)} out, ${formatSize(attempt.stderrBytes)} err` : '',
    ],
    ...indented(attempt.usage ? usageFields(attempt.usage) : []),
    ...indented(attempt.groupUsage ? groupFields(attempt.groupUsage) : []),
    ['  outlived its leader', attempt.leftovers.map(({ pid, command }) => `${command} (${pid})`).join(', ')],
  ];
}

function indented(fields: readonly Field[]): Field[] {
  return fields.map(([name, value]) => [`  ${name}`, value]);
}
