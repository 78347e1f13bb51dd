/** Launches what was planned: on the nodes that were chosen, once somebody said yes, and follows it or does not. */
import { create } from '@bufbuild/protobuf';
import { v7 } from 'uuid';
import { type OptionValues, UsageError } from '#base/command-line.ts';
import type { CommandContext } from '#cli/command.ts';
import { giveInput } from '#cli/line/give-input.ts';
import { formatDuration } from '#cli/output/format-duration.ts';
import { printJson, printJsonLine } from '#cli/output/json.ts';
import { renderTable } from '#cli/output/table.ts';
import type { clusterOptions } from '#cli/syntax/common-options.ts';
import type { followingOptions } from '#cli/syntax/following-options.ts';
import type { askingOptions } from '#cli/syntax/target-options.ts';
import { makeOutputDirectory } from '#cli/view/files-view.ts';
import { planView } from '#cli/view/plan-view.ts';
import { exitCodes } from '#core/exit-code.ts';
import { foldNodeNames } from '#core/node-set/fold-node-names.ts';
import { type PaceLimits, paceLimits } from '#core/pacing.ts';
import {
  type CreateRunRequest,
  CreateRunRequestSchema,
  type CreateRunResponse,
  CreateRunResponseSchema,
} from '#protocol/gen/drover/v1/api_pb.ts';
import { StdinMode, type Task } from '#protocol/gen/drover/v1/task_pb.ts';
import { askToLaunch, confirm, describeCommand, describeNames, findNames } from './choose-nodes.ts';
import { followRun } from './follow-run.ts';
import type { RunRequest } from './plan-run.ts';
import type { TargetPlan } from './plan-target.ts';
import { requestRun } from './request-run.ts';

/** What is told of the launch, beside how it is followed. */
export type LaunchOptions = OptionValues<
  typeof followingOptions & typeof askingOptions & typeof clusterOptions
>;

/** Resolves to the exit code that cli.md's table gives. */
export async function launchRun(
  context: CommandContext,
  command: string,
  options: LaunchOptions,
  plan: TargetPlan,
  planned: RunRequest,
): Promise<number> {
  const view = planView(command, options, context.folding);
  const gives = planned.spec?.stdin === StdinMode.STREAM && !options.detach;
  if (gives && !context.input) {
    throw new UsageError(`drover ${command}: its commands take standard input, and the prompt has that`);
  }
  const connection = await context.connect(options.data);
  const asks = context.terminal !== undefined && !options.yes && !plan.isSelection && !plan.literal;
  const request = create(CreateRunRequestSchema, { ...planned, ...plan.request, id: v7() });
  if (plan.needsNames || options.preview || asks) {
    const names = await findNames(context, connection, plan);
    request.nodes = foldNodeNames(names);
    request.selector = '';
    if (options.preview) return printPreview(context, options, request, names);
    if (asks) await confirm(context, names, askToLaunch(describeCommand(request.spec?.argv ?? [])));
  }
  if (view.kind === 'files') await makeOutputDirectory(view.directory);
  const requested = await requestRun(context, connection, request);
  if (options.detach) return printCreated(context, options, requested.created);
  const { input } = context;
  using _input = gives && input ? giveInput(context, connection, request.id, input) : undefined;
  // Who types the input is not asked beside it.
  const follower = gives ? { ...context, terminal: undefined } : context;
  return await followRun(follower, connection, requested, {
    view,
    patient: options['wait-for-nodes'] ?? false,
    literal: plan.literal,
    largest: options.largest ?? false,
  });
}

/** `, 3 at once, a pause of 5s, until more than 1 failed`. */
function describePace({ tasksAtOnce, failuresMax, sleepMs }: PaceLimits): string {
  return [
    Number.isFinite(tasksAtOnce) ? `, ${tasksAtOnce} at once` : '',
    sleepMs > 0 ? `, a pause of ${formatDuration(sleepMs)}` : '',
    Number.isFinite(failuresMax) ? `, until more than ${failuresMax} failed` : '',
  ].join('');
}

function printPreview(
  { out }: CommandContext,
  { output }: LaunchOptions,
  request: CreateRunRequest,
  names: readonly string[],
): number {
  if (output === 'json') printJson(out, CreateRunRequestSchema, request);
  else if (output === 'jsonl') printJsonLine(out, CreateRunRequestSchema, request);
  else if (output === 'name') for (const name of names) out.outLine(name);
  else {
    const { spec, pacing } = request;
    const pace = pacing ? describePace(paceLimits(pacing, names.length)) : '';
    out.outLine(`${describeCommand(spec?.argv ?? [])}\non ${describeNames(names)}${pace}`);
  }
  return exitCodes.success;
}

function printCreated(
  { out }: CommandContext,
  { output }: LaunchOptions,
  created: CreateRunResponse,
): number {
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
