/** `drover shell`: the prompt, for a cluster that runs. */
import type { CommandLine } from '#base/command-line.ts';
import { callOptions } from '#cli/call-options.ts';
import type { CommandContext } from '#cli/command.ts';
import { openLines } from '#cli/shell/open-lines.ts';
import { runPrompt } from '#cli/shell/prompt.ts';
import type { shellSyntax } from '#cli/syntax/cluster-syntax.ts';

/** Connects first, so that a cluster that is not there is said before the first line. */
export async function shell(
  context: CommandContext,
  { options }: CommandLine<(typeof shellSyntax)['options']>,
): Promise<number> {
  const connect = (directory = options.data) => context.connect(directory);
  const connection = await connect();
  const { nodes, connected } = await connection.cluster.getCluster({}, callOptions(context));
  using lines = openLines(context);
  if (lines.interactive) {
    context.out.errLine(`${connected} of ${nodes} nodes connected. h lists the commands, exit leaves.`);
  }
  return await runPrompt({ ...context, connect }, lines, { leave: context.abort });
}
