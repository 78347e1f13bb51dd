/** `drover run`: launches a command on nodes, and follows it until it has ended everywhere. */
import { readFile } from 'node:fs/promises';
import { create, type MessageInitShape, toJson } from '@bufbuild/protobuf';
import { v7 } from 'uuid';
import { type CommandLine, type OptionValues, UsageError } from '#base/command-line.ts';
import type { CommandContext } from '#cli/command.ts';
import type { Connection } from '#cli/connect-cluster.ts';
import { exitCodeOfTasks } from '#cli/exit-code-of-tasks.ts';
import { type Followed, type FollowSink, followTasks } from '#cli/follow/follow-tasks.ts';
import { renderFooter } from '#cli/output/footer.ts';
import { LogPrinter } from '#cli/output/log-printer.ts';
import { printJson } from '#cli/output/print-list.ts';
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
  if (output === 'json' || output === 'jsonl') printJson(out, CreateRunResponseSchema, created);
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
  using interrupts = new RunInterrupts(context, connection, runId);
  const abort = AbortSignal.any([context.abort, interrupts.left]);
  let followed: Followed;
  try {
    followed = await followTasks(
      connection,
      {
        query: { runId },
        output: options.output !== 'json',
        patient: options['wait-for-nodes'] ?? false,
        clock,
        abort,
      },
      createSink(context, options, latest),
    );
  } catch (error) {
    if (!interrupts.left.aborted) throw explainLoss(context, error, runId);
    return sayLeft(context, runId, [...latest.values()], interrupts.state === 'detached');
  }
  if (options.output === 'json') {
    printJson(
      out,
      CreateRunResponseSchema,
      create(CreateRunResponseSchema, { ...created, tasks: [...followed.tasks] }),
    );
  } else if (options.output !== 'jsonl') printFooter(context, followed);
  if (interrupts.state !== undefined) return exitCodes.interrupted;
  return exitCodeOfTasks(followed.tasks, rule);
}

function printFooter({ out }: CommandContext, { tasks, unreachable }: Followed): void {
  for (const line of renderFooter(tasks, unreachable)) out.errLine(line);
}

function createSink(context: CommandContext, options: Options, latest: Map<string, Task>): FollowSink {
  const { out } = context;
  const printer = new LogPrinter(out, { prefix: ({ node }) => `${node}: `, raw: options.raw ?? false });
  const contact = (lost: boolean) =>
    out.errLine(
      lost ? 'drover: lost the controller, trying to reach it again' : 'drover: the controller is back',
    );
  if (options.output === 'jsonl') {
    const print = async (kind: NewsKind) => {
      out.outLine(
        JSON.stringify(toJson(FollowTasksResponseSchema, create(FollowTasksResponseSchema, { kind }))),
      );
      await out.drained();
    };
    return {
      task(value) {
        latest.set(value.id, value);
        return print({ case: 'task', value });
      },
      log: (value) => print({ case: 'log', value }),
      contact,
      end: () => {},
    };
  }
  return {
    task(task) {
      latest.set(task.id, task);
      if (task.state === TaskState.ENDED) printer.flush(task.id);
    },
    log: (chunk) => printer.print(chunk),
    contact,
    end: () => printer.flush(),
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
