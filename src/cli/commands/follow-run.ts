/** Follows a run until it has ended everywhere, shows it in the way that was asked for, and answers for how it ended. */
import { callOptions } from '#cli/call-options.ts';
import type { CommandContext } from '#cli/command.ts';
import type { Connection } from '#cli/connect-cluster.ts';
import { exitCodeOfTasks } from '#cli/exit-code-of-tasks.ts';
import { type Followed, type FollowOptions, type FollowSink, followTasks } from '#cli/follow/follow-tasks.ts';
import { renderFooter } from '#cli/output/footer.ts';
import { formatDuration } from '#cli/output/format-duration.ts';
import { renderStanding } from '#cli/output/render-standing.ts';
import { sayFullDisks } from '#cli/output/say-full-disks.ts';
import { filesView, makeOutputFiles } from '#cli/view/files-view.ts';
import { FoldedView } from '#cli/view/folded-view.ts';
import { jsonLinesView, jsonView, nameView } from '#cli/view/json-views.ts';
import { linesView } from '#cli/view/lines-view.ts';
import type { ViewPlan } from '#cli/view/plan-view.ts';
import { Progress } from '#cli/view/progress.ts';
import type { RunView } from '#cli/view/run-view.ts';
import { SpilledLines } from '#cli/view/spilled-lines.ts';
import { exitCodes } from '#core/exit-code.ts';
import type { CreateRunResponse } from '#protocol/gen/drover/v1/api_pb.ts';
import { type Task, TaskState } from '#protocol/gen/drover/v1/task_pb.ts';
import type { RequestedRun } from './request-run.ts';
import { RunInterrupts } from './run-interrupts.ts';

/** How it is followed. */
export interface FollowRunOptions {
  readonly view: ViewPlan;
  /** Nodes that are away are waited for. */
  readonly patient: boolean;
  /** The target was exactly one plain node name. */
  readonly literal: boolean;
  /** The exit code is the largest of all. */
  readonly largest: boolean;
}

/** Follows a run that was created. */
export async function followRun(
  context: CommandContext,
  connection: Connection,
  { created, askedMs, interrupted }: RequestedRun,
  options: FollowRunOptions,
): Promise<number> {
  const { out, clock } = context;
  const runId = created.run?.id ?? '';
  const latest = new Map(created.tasks.map((task) => [task.id, task]));
  const getRun = () => connection.runs.getRun({ id: runId }, callOptions(context));
  using interrupts = new RunInterrupts(context, connection, runId);
  if (interrupted) context.interrupts.raise();
  const elapsedMs = () => clock.monotonicMs() - askedMs;
  using _inquiries = context.inquiries.listen(() => {
    out.errLine(renderStanding([...latest.values()], elapsedMs()));
  });
  const abort = AbortSignal.any([context.abort, interrupts.left]);
  using spilled = new SpilledLines();
  let followed: Followed;
  let view: RunView;
  try {
    view = await makeView(context, options.view, created, getRun, spilled);
    using _progress = new Progress(out, clock, latest);
    const { wantsOutput: output } = view;
    const { patient } = options;
    const followOptions = { query: { runId }, output, patient, reached: true, clock, abort };
    const sink = createSink(context, view, latest, interrupts);
    followed = await followAudibly(connection, followOptions, sink, interrupts.quiet);
  } catch (error) {
    if (!interrupts.left.aborted) throw explainLoss(context, error, runId);
    return sayLeft(context, runId, [...latest.values()], interrupts.state === 'detached');
  }
  await view.finish(followed);
  if (view.wantsOutput) sayFullDisks(out, followed.tasks);
  if (view.hasFooter) printFooter(context, followed, elapsedMs());
  if (interrupts.state !== undefined) return exitCodes.interrupted;
  return exitCodeOfTasks(followed.tasks, options);
}

async function makeView(
  { out }: CommandContext,
  plan: ViewPlan,
  { run, tasks }: CreateRunResponse,
  getRun: Parameters<typeof jsonView>[1],
  spilled: SpilledLines,
): Promise<RunView> {
  switch (plan.kind) {
    case 'json':
      return jsonView(out, getRun);
    case 'json lines':
      return jsonLinesView(out);
    case 'name':
      return nameView(out, run?.id ?? '');
    case 'lines':
      return linesView(out, plan.raw);
    case 'folded':
      return new FoldedView(out, plan.fold, spilled);
    case 'files': {
      const { directory, fold } = plan;
      const shown = fold ? new FoldedView(out, fold, spilled) : linesView(out, false);
      await makeOutputFiles(directory, tasks);
      return filesView(out, directory, shown, fold !== undefined);
    }
  }
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
  { out }: CommandContext,
  view: RunView,
  latest: Map<string, Task>,
  interrupts: RunInterrupts,
): FollowSink {
  return {
    async task(task) {
      latest.set(task.id, task);
      await interrupts.answered();
      await view.task(task);
    },
    async log(chunk) {
      await interrupts.answered();
      if (!interrupts.quiet.aborted) await view.log(chunk);
    },
    contact(lost) {
      out.errLine(
        lost ? 'drover: lost the controller, trying to reach it again' : 'drover: the controller is back',
      );
    },
    end() {
      if (!interrupts.quiet.aborted) view.flush();
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
