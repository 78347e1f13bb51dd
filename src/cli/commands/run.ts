/** `drover run`: launches a command on nodes, and follows it until it has ended everywhere. */
import { readFile } from 'node:fs/promises';
import { create, type MessageInitShape } from '@bufbuild/protobuf';
import { v7 } from 'uuid';
import { type CommandLine, type OptionValues, UsageError } from '#base/command-line.ts';
import { callOptions } from '#cli/call-options.ts';
import type { CommandContext } from '#cli/command.ts';
import type { Connection } from '#cli/connect-cluster.ts';
import { exitCodeOfTasks } from '#cli/exit-code-of-tasks.ts';
import { type Followed, type FollowOptions, type FollowSink, followTasks } from '#cli/follow/follow-tasks.ts';
import { renderFooter } from '#cli/output/footer.ts';
import { printJson, printJsonLine } from '#cli/output/json.ts';
import { LogPrinter } from '#cli/output/log-printer.ts';
import { renderTable } from '#cli/output/table.ts';
import { exitCodes } from '#core/exit-code.ts';
import {
  CreateRunRequestSchema,
  type CreateRunResponse,
  CreateRunResponseSchema,
  FollowTasksResponseSchema,
} from '#protocol/gen/drover/v1/api_pb.ts';
import { type Task, TaskState } from '#protocol/gen/drover/v1/task_pb.ts';
import { createRun } from './create-run.ts';
import { parseEnvFile, planRun, type RunOptions } from './plan-run.ts';
import { RunInterrupts } from './run-interrupts.ts';

type Options = OptionValues<RunOptions>;
type NewsKind = NonNullable<MessageInitShape<typeof FollowTasksResponseSchema>['kind']>;

/** Resolves to the exit code that cli.md's table gives. */
export async function run(context: CommandContext, line: CommandLine<RunOptions>): Promise<number> {
  const { options } = line;
  const plan = planRun(line, context.selection, await readEnvFiles(options['env-file'] ?? []));
  const connection = await context.connect(options.data);
  const request = create(CreateRunRequestSchema, { ...plan.request, id: v7() });
  const created = await createRun(connection, request, context);
  if (options.detach) return printCreated(context, options, created);
  const rule = { literal: plan.literal, largest: options.largest ?? false };
  return await follow(context, connection, options, created, rule);
}

async function readEnvFiles(paths: readonly string[]): Promise<string[]> {
  const texts = await Promise.all(
    paths.map((path) =>
      readFile(path, 'utf8').catch((cause: NodeJS.ErrnoException) => {
        throw new UsageError(`--env-file: cannot read ${path}: ${cause.code}`, { cause });
      }),
    ),
  );
  return texts.flatMap(parseEnvFile);
}

function printCreated({ out }: CommandContext, { output }: Options, created: CreateRunResponse): number {
  const { run, tasks } = created;
  if (output === 'json') printJson(out, CreateRunResponseSchema, created);
  else if (output === 'jsonl') printJsonLine(out, CreateRunResponseSchema, created);
  else out.outLine(run?.id ?? '');
  if (output === 'table' || output === undefined) {
    const columns = [
      { header: 'TASK', value: (task: Task) => task.id },
      { header: 'NODE', value: (task: Task) => task.node },
    ];
    for (const row of renderTable(columns, tasks, out.columns)) out.outLine(row);
  }
  return exitCodes.success;
}

async function follow(
  context: CommandContext,
  connection: Connection,
  options: Options,
  created: CreateRunResponse,
  rule: { literal: boolean; largest: boolean },
): Promise<number> {
  const { out, clock } = context;
  const runId = created.run?.id ?? '';
  const latest = new Map(created.tasks.map((task) => [task.id, task]));
  if (options.output === 'name') out.outLine(runId);
  using interrupts = new RunInterrupts(context, connection, runId);
  const abort = AbortSignal.any([context.abort, interrupts.left]);
  const followOptions = {
    query: { runId },
    output: options.output !== 'json' && options.output !== 'name',
    patient: options['wait-for-nodes'] ?? false,
    reached: true,
    clock,
    abort,
  };
  let followed: Followed;
  try {
    const sink = createSink(context, options, latest, interrupts);
    followed = await followAudibly(connection, followOptions, sink, interrupts.quiet);
  } catch (error) {
    if (!interrupts.left.aborted) throw explainLoss(context, error, runId);
    return sayLeft(context, runId, [...latest.values()], interrupts.state === 'detached');
  }
  if (options.output === 'json') {
    const run = await connection.runs.getRun({ id: runId }, callOptions(context));
    printJson(
      out,
      CreateRunResponseSchema,
      create(CreateRunResponseSchema, { run, tasks: [...followed.tasks] }),
    );
  } else if (options.output !== 'jsonl') printFooter(context, followed);
  if (interrupts.state !== undefined) return exitCodes.interrupted;
  return exitCodeOfTasks(followed.tasks, rule);
}

/** Follows with the output until `quiet`, then without: a task's end is told after all that it has printed. */
async function followAudibly(
  connection: Connection,
  options: FollowOptions,
  sink: FollowSink,
  quiet: AbortSignal,
): Promise<Followed> {
  try {
    return await followTasks(
      connection,
      { ...options, abort: AbortSignal.any([options.abort, quiet]) },
      sink,
    );
  } catch (error) {
    if (!quiet.aborted || options.abort.aborted) throw error;
    return await followTasks(connection, { ...options, output: false }, sink);
  }
}

function printFooter({ out }: CommandContext, { tasks, unreachable }: Followed): void {
  for (const line of renderFooter(tasks, unreachable)) out.errLine(line);
}

function createSink(
  context: CommandContext,
  options: Options,
  latest: Map<string, Task>,
  interrupts: RunInterrupts,
): FollowSink {
  const { out } = context;
  const printer = new LogPrinter(out, { prefix: ({ node }) => `${node}: `, raw: options.raw ?? false });
  const contact = (lost: boolean) =>
    out.errLine(
      lost ? 'drover: lost the controller, trying to reach it again' : 'drover: the controller is back',
    );
  if (options.output === 'jsonl') {
    const print = async (kind: NewsKind) => {
      await interrupts.answered();
      printJsonLine(out, FollowTasksResponseSchema, create(FollowTasksResponseSchema, { kind }));
      await out.drained();
    };
    return {
      task(value) {
        latest.set(value.id, value);
        return print({ case: 'task', value });
      },
      log: (value) => (interrupts.quiet.aborted ? undefined : print({ case: 'log', value })),
      contact,
      end: () => {},
    };
  }
  return {
    async task(task) {
      latest.set(task.id, task);
      await interrupts.answered();
      if (task.state === TaskState.ENDED && !interrupts.quiet.aborted) printer.flush(task.id);
    },
    async log(chunk) {
      await interrupts.answered();
      if (!interrupts.quiet.aborted) await printer.print(chunk);
    },
    contact,
    end() {
      if (!interrupts.quiet.aborted) printer.flush();
    },
  };
}

function explainLoss({ out, abort }: CommandContext, error: unknown, runId: string): unknown {
  if (!abort.aborted) out.errLine(`drover: run ${runId} may go on without us: drover wait ${runId}`);
  return error;
}

function sayLeft({ out }: CommandContext, runId: string, tasks: readonly Task[], detached: boolean): number {
  const active = tasks.filter((task) => task.state !== TaskState.ENDED);
  if (detached) {
    out.errLine(`drover: run ${runId} goes on: drover logs -f ${runId}`);
    return exitCodes.success;
  }
  out.errLine(`drover: left with ${active.length} not ended: drover wait ${runId}`);
  for (const { id, node } of active) out.errLine(`  ${id} on ${node}`);
  return exitCodes.interrupted;
}
