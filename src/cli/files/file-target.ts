/** The nodes that a command about files goes to: resolved here where they have to be, confirmed where they are many. */
import type { MessageInitShape } from '@bufbuild/protobuf';
import type { OptionValues } from '#base/command-line.ts';
import type { CommandContext } from '#cli/command.ts';
import { confirm, findNames, type Question } from '#cli/commands/choose-nodes.ts';
import { planPacing } from '#cli/commands/plan-pacing.ts';
import type { TargetPlan } from '#cli/commands/plan-target.ts';
import type { Connection } from '#cli/connect-cluster.ts';
import type { paceOptions } from '#cli/syntax/file-options.ts';
import { foldNodeNames } from '#core/node-set/fold-node-names.ts';
import type { FileTargetSchema } from '#protocol/gen/drover/v1/api_pb.ts';
import { parseRate } from './parse-rate.ts';

/** How fast, as it was asked for. */
export type PaceValues = OptionValues<typeof paceOptions>;

/**
 * The target of a request.
 *
 * @param question undefined where there is nothing to confirm.
 * @throws CommandError exit code 6 where no node is left, 130 and 1 where somebody said no.
 */
export async function chooseFileTarget(
  context: CommandContext,
  connection: Connection,
  plan: TargetPlan,
  pace: PaceValues,
  question: Question | undefined,
): Promise<MessageInitShape<typeof FileTargetSchema>> {
  const rate = pace.bwlimit === undefined ? 0n : parseRate(pace.bwlimit, '--bwlimit');
  const pacing = planPacing(pace);
  const request = { ...plan.request, bytesPerSecond: rate, ...(pacing ? { pacing } : {}) };
  const asks = question !== undefined && context.terminal !== undefined && !plan.isSelection && !plan.literal;
  if (!plan.needsNames && !asks) return request;
  const names = await findNames(context, connection, plan);
  if (asks) await confirm(context, names, question);
  return { ...request, nodes: foldNodeNames(names), selector: '' };
}
