/** `drover nodes remove`: takes a node out of the cluster for good. */
import { type CommandLine, UsageError } from '#base/command-line.ts';
import { callOptions } from '#cli/call-options.ts';
import type { CommandContext } from '#cli/command.ts';
import { CommandError } from '#cli/command-error.ts';
import { printJson } from '#cli/output/json.ts';
import type { removeNodeSyntax } from '#cli/syntax/node-syntax.ts';
import { exitCodes } from '#core/exit-code.ts';
import { RemoveNodeResponseSchema } from '#protocol/gen/drover/v1/api_pb.ts';

/** A person who has gone to lunch does not find the node removed. */
const askMs = 60_000;

/** Removes it, once that was confirmed. */
export async function removeNode(
  context: CommandContext,
  { options, words }: CommandLine<(typeof removeNodeSyntax)['options']>,
): Promise<number> {
  const [name] = words;
  if (name === undefined) throw new UsageError('drover nodes remove: which node? drover nodes lists them');
  const { out } = context;
  const connection = await context.connect(options.data);
  const { activeTasks } = await connection.nodes.getNode({ name }, callOptions(context));
  if (!options.yes) await confirm(context, name, activeTasks);
  const answer = await connection.nodes.removeNode({ name }, callOptions(context));
  if (options.output === 'json') printJson(out, RemoveNodeResponseSchema, answer);
  else
    out.outLine(
      `removed ${name}${answer.unknownTasks === 0 ? '' : `; ${answer.unknownTasks} tasks end as unknown`}`,
    );
  return exitCodes.success;
}

async function confirm({ terminal }: CommandContext, name: string, activeTasks: number): Promise<void> {
  if (!terminal) throw new UsageError('drover nodes remove: nobody is here to confirm it: give --yes');
  const tasks = activeTasks === 0 ? '' : ` Its ${activeTasks} tasks will end as unknown.`;
  const question = `Remove ${name} for good?${tasks} [y/n] `;
  if ((await terminal.askKey(question, 'yn', askMs)) === 'y') return;
  throw new CommandError(exitCodes.requestFailed, `${name} was not removed`);
}
