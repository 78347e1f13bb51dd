/** `drover rerun`: launches a run again, on those of its nodes where it went as it was asked for. */
import { type CommandLine, type OptionValues, UsageError } from '#base/command-line.ts';
import { callOptions } from '#cli/call-options.ts';
import type { CommandContext } from '#cli/command.ts';
import { CommandError } from '#cli/command-error.ts';
import { listTasks } from '#cli/list-tasks.ts';
import { resultOf, type TaskResult } from '#cli/result-of-task.ts';
import type { rerunSyntax } from '#cli/syntax/run-syntax.ts';
import { exitCodes } from '#core/exit-code.ts';
import { foldNodeNames } from '#core/node-set/fold-node-names.ts';
import { WhenUnreachable } from '#protocol/gen/drover/v1/api_pb.ts';
import type { Task } from '#protocol/gen/drover/v1/task_pb.ts';
import { launchRun } from './launch-run.ts';
import { planTarget } from './plan-target.ts';

type Options = OptionValues<(typeof rerunSyntax)['options']>;

/** Resolves to the exit code of the new run; 6 where no node is left. */
export async function rerun(
  context: CommandContext,
  { options, words }: CommandLine<(typeof rerunSyntax)['options']>,
): Promise<number> {
  const [ref] = words;
  if (ref === undefined) throw new UsageError('drover rerun: which run? give its id, or the beginning of it');
  const isChosen = chooser(options);
  const connection = await context.connect(options.data);
  const run = await connection.runs.getRun({ id: ref }, callOptions(context));
  const tasks = await listTasks(connection, { runId: run.id }, callOptions(context));
  const nodes = tasks.filter(isChosen).map(({ node }) => node);
  if (nodes.length === 0) {
    throw new CommandError(exitCodes.noNode, `no node of run ${run.id} is to run it again`);
  }
  const { name, spec, pacing } = run;
  if (spec?.terminal || spec?.pipes) {
    throw new UsageError(
      'drover rerun: its command was at a terminal or in a pipeline: call drover exec again',
    );
  }
  const target = planTarget('rerun', { nodes: foldNodeNames(nodes) }, undefined);
  return await launchRun(
    context,
    'rerun',
    options,
    { ...target, literal: false },
    {
      name,
      ...(spec ? { spec } : {}),
      ...(pacing ? { pacing } : {}),
      whenUnreachable: options['wait-for-nodes'] ? WhenUnreachable.WAIT : WhenUnreachable.FAIL,
    },
  );
}

/**
 * Whether a task's node is one of those that were asked for.
 *
 * @throws UsageError where none are.
 */
export function chooser(
  options: Pick<Options, 'all' | 'failed' | 'unreachable' | 'skipped'>,
): (task: Task) => boolean {
  const kinds = (['failed', 'unreachable', 'skipped'] as const).filter((kind) => options[kind]);
  if (options.all && kinds.length > 0) {
    throw new UsageError(`drover rerun: --all is with those of --${kinds[0]}: give one of them`);
  }
  if (options.all) return () => true;
  if (kinds.length === 0) {
    throw new UsageError(
      'drover rerun: on which of its nodes? give --failed, --unreachable, --skipped, several of them, or --all',
    );
  }
  const chosen = new Set<TaskResult>(kinds);
  return (task) => chosen.has(resultOf(task));
}
