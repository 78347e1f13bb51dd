/** Follows a run until it has ended everywhere, shows what its tasks print, and answers for how it ended. */
import { create, type MessageInitShape } from '@bufbuild/protobuf';
import type { OptionValues } from '#base/command-line.ts';
import { callOptions } from '#cli/call-options.ts';
import type { CommandContext } from '#cli/command.ts';
import type { Connection } from '#cli/connect-cluster.ts';
import { exitCodeOfTasks } from '#cli/exit-code-of-tasks.ts';
import { type Followed, type FollowOptions, type FollowSink, followTasks } from '#cli/follow/follow-tasks.ts';
import { renderFooter } from '#cli/output/footer.ts';
import { formatDuration } from '#cli/output/format-duration.ts';
import { printJson, printJsonLine } from '#cli/output/json.ts';
import { LogPrinter } from '#cli/output/log-printer.ts';
import { renderStanding } from '#cli/output/render-standing.ts';
import type { runSyntax } from '#cli/syntax/run-syntax.ts';
import { exitCodes } from '#core/exit-code.ts';
import { CreateRunResponseSchema, FollowTasksResponseSchema } from '#protocol/gen/drover/v1/api_pb.ts';
import { type Task, TaskState } from '#protocol/gen/drover/v1/task_pb.ts';
import type { RequestedRun } from './request-run.ts';
import { RunInterrupts } from './run-interrupts.ts';

/** How it is followed. */
export type FollowRunOptions = Pick<
  OptionValues<(typeof runSyntax)['options']>,
  'largest' | 'output' | 'raw' | 'wait-for-nodes'
>;
type NewsKind = NonNullable<MessageInitShape<typeof FollowTasksResponseSchema>['kind']>;

/**
 * Follows a run that was created.
 *
 * @param literal the target was exactly one plain node name.
 */
export async function followRun(
  context: CommandContext,
  connection: Connection,
  options: FollowRunOptions,
  { created, askedMs, interrupted }: RequestedRun,
  literal: boolean,
): Promise<number> {
  const { out, clock } = context;
  const runId = created.run?.id ?? '';
  const latest = new Map(created.tasks.map((task) => [task.id, task]));
  if (options.output === 'name') out.outLine(runId);
  using interrupts = new RunInterrupts(context, connection, runId);
  if (interrupted) context.interrupts.raise();
  const elapsedMs = () => clock.monotonicMs() - askedMs;
  using _inquiries = context.inquiries.listen(() => {
    out.errLine(renderStanding([...latest.values()], elapsedMs()));
  });
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
  } else if (options.output !== 'jsonl') printFooter(context, followed, elapsedMs());
  if (interrupts.state !== undefined) return exitCodes.interrupted;
  return exitCodeOfTasks(followed.tasks, { literal, largest: options.largest ?? false });
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

/** How long it took is told to somebody at a terminal; programs have it of the tasks. */
function printFooter({ out }: CommandContext, { tasks, unreachable }: Followed, elapsedMs: number): void {
  const [counts = '', ...lines] = renderFooter(tasks, unreachable);
  out.errLine(out.errIsTerminal ? `${counts} in ${formatDuration(elapsedMs)}` : counts);
  for (const line of lines) out.errLine(line);
}

function createSink(
  context: CommandContext,
  options: FollowRunOptions,
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
