/** What the commands that change files on nodes have in common: the nodes are asked about, the order is given, and how it went is shown. */
import type { MessageInitShape } from '@bufbuild/protobuf';
import type { CommandContext } from '#cli/command.ts';
import type { Question } from '#cli/commands/choose-nodes.ts';
import type { TargetPlan } from '#cli/commands/plan-target.ts';
import type { Connection } from '#cli/connect-cluster.ts';
import type { FileTargetSchema, NodeFileAnswer } from '#protocol/gen/drover/v1/api_pb.ts';
import { showAnswers } from './ask-files.ts';
import { chooseFileTarget } from './file-target.ts';

/** One change. */
export interface FileChange {
  readonly question: Question;
  /** Gives the order. */
  readonly order: (
    files: Connection['files'],
    target: MessageInitShape<typeof FileTargetSchema>,
    options: { readonly signal: AbortSignal },
  ) => AsyncIterable<NodeFileAnswer>;
  /** What was then done, such as "removed on". */
  readonly done: string;
}

/** Of the options, what concerns any change. */
export interface ChangeOptions {
  readonly data?: string;
  readonly yes?: boolean;
  readonly output?: string;
}

/** Resolves to the exit code. */
export async function changeFiles(
  context: CommandContext,
  plan: TargetPlan,
  { data, yes = false, output }: ChangeOptions,
  { question, order, done }: FileChange,
): Promise<number> {
  const connection = await context.connect(data);
  const target = await chooseFileTarget(context, connection, plan, {}, yes ? undefined : question);
  return await showAnswers(context, order(connection.files, target, { signal: context.abort }), {
    style: plan.literal ? 'plain' : 'named',
    jsonl: output === 'jsonl',
    lines: () => [],
    done,
  });
}
