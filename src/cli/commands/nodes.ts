/** `drover nodes`: the nodes and how the controller stands to them. */
import type { CommandLine } from '#base/command-line.ts';
import { callOptions } from '#cli/call-options.ts';
import type { CommandContext } from '#cli/command.ts';
import { nodeView } from '#cli/node-view.ts';
import { showTime } from '#cli/output/format-time.ts';
import { printList } from '#cli/output/print-list.ts';
import type { nodesSyntax } from '#cli/syntax/cluster-syntax.ts';
import { exitCodes } from '#core/exit-code.ts';

/** Lists them in natural order. */
export async function nodes(
  context: CommandContext,
  { options, words }: CommandLine<(typeof nodesSyntax)['options']>,
): Promise<number> {
  const connection = await context.connect(options.data);
  const target = { nodes: words[0] ?? '', selector: options.label ?? '' };
  const list = await connection.nodes.listNodes(target, callOptions(context));
  if (list.massLoss) {
    const { gone, of, at } = list.massLoss;
    const what = `${gone} of ${of} nodes were lost within a minute, at ${showTime(at)}`;
    context.out.errLine(`drover: ${what}: rather the network or the controller than the nodes`);
  }
  printList(context.out, options.output, nodeView(context.clock.wallMs()), list, list.nodes);
  return exitCodes.success;
}
