/** `drover nodes remove`: takes nodes out of the cluster for good. */
import { type CommandLine, UsageError } from '#base/command-line.ts';
import { callOptions } from '#cli/call-options.ts';
import type { CommandContext } from '#cli/command.ts';
import { CommandError } from '#cli/command-error.ts';
import { printJson } from '#cli/output/json.ts';
import type { removeNodesSyntax } from '#cli/syntax/node-syntax.ts';
import { exitCodes } from '#core/exit-code.ts';
import { foldNodeNames } from '#core/node-set/fold-node-names.ts';
import { RemoveNodeResponseSchema } from '#protocol/gen/drover/v1/api_pb.ts';
import type { Node } from '#protocol/gen/drover/v1/node_pb.ts';

/** A person who has gone to lunch does not find the node removed. */
const askMs = 60_000;

/** Removes them one after the other, once that was confirmed. The first that fails ends it. */
export async function removeNodes(
  context: CommandContext,
  { options, words }: CommandLine<(typeof removeNodesSyntax)['options']>,
): Promise<number> {
  const [nodes] = words;
  if (nodes === undefined) throw new UsageError('drover nodes remove: which nodes? drover nodes lists them');
  const { out } = context;
  const connection = await context.connect(options.data);
  const found = (await connection.nodes.listNodes({ nodes }, callOptions(context))).nodes;
  if (found.length === 0) throw new CommandError(exitCodes.noNode, `no node matches ${nodes}`);
  if (!options.yes) await confirm(context, found);
  for (const { name } of found) {
    const answer = await connection.nodes.removeNode({ name }, callOptions(context));
    const { unknownTasks } = answer;
    if (options.output === 'json') printJson(out, RemoveNodeResponseSchema, answer);
    else
      out.outLine(`removed ${name}${unknownTasks === 0 ? '' : `; ${countTasks(unknownTasks)} as unknown`}`);
  }
  return exitCodes.success;
}

/** One is confirmed by a key, several by their number: who types it has seen how many they are. */
async function confirm({ terminal, out }: CommandContext, nodes: readonly Node[]): Promise<void> {
  if (!terminal) throw new UsageError('drover nodes remove: nobody is here to confirm it: give --yes');
  const names = foldNodeNames(nodes.map(({ name }) => name));
  const active = nodes.reduce((sum, { activeTasks }) => sum + activeTasks, 0);
  const tasks = active === 0 ? '' : ` ${countTasks(active)} as unknown.`;
  if (nodes.length === 1) {
    if ((await terminal.askKey(`Remove ${names} for good?${tasks} [y/n] `, 'yn', askMs)) === 'y') return;
  } else {
    out.errLine(`Remove ${names} for good.${tasks}`);
    const typed = await terminal.askLine('Type how many nodes that are: ', askMs);
    if (typed?.trim() === String(nodes.length)) return;
  }
  throw new CommandError(
    exitCodes.requestFailed,
    `${names} ${nodes.length === 1 ? 'was' : 'were'} not removed`,
  );
}

function countTasks(count: number): string {
  return count === 1 ? '1 task ends' : `${count} tasks end`;
}
