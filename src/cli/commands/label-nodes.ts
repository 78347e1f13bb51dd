/** `drover nodes label`: sets labels of nodes and takes them away. */

import { create } from '@bufbuild/protobuf';
import { type CommandLine, UsageError } from '#base/command-line.ts';
import { callOptions } from '#cli/call-options.ts';
import type { CommandContext } from '#cli/command.ts';
import { nodeView } from '#cli/node-view.ts';
import { printList } from '#cli/output/print-list.ts';
import type { labelNodesSyntax } from '#cli/syntax/node-syntax.ts';
import { exitCodes } from '#core/exit-code.ts';
import { parseNodeSet } from '#core/node-set/parse-node-set.ts';
import { ListNodesResponseSchema } from '#protocol/gen/drover/v1/api_pb.ts';

/** Labels them, and lists them as they are then. */
export async function labelNodes(
  context: CommandContext,
  { options, words }: CommandLine<(typeof labelNodesSyntax)['options']>,
): Promise<number> {
  const { sets, set, remove } = planLabels(words);
  if (sets.length === 0) throw new UsageError('drover nodes label: which nodes? give a node set');
  if (Object.keys(set).length + remove.length === 0)
    throw new UsageError('drover nodes label: which labels? KEY=VALUE sets one, KEY- takes it away');
  for (const one of sets) parseNodeSet(one);
  const connection = await context.connect(options.data);
  const request = { nodes: sets.join(','), set, remove };
  const { nodes } = await connection.nodes.labelNodes(request, callOptions(context));
  const list = create(ListNodesResponseSchema, { nodes });
  printList(context.out, options.output, nodeView(context.clock.wallMs()), list, nodes);
  return exitCodes.success;
}

/** A node set can have = in it only behind its sign for labels. */
function planLabels(words: readonly string[]) {
  const sets: string[] = [];
  const set: Record<string, string> = {};
  const remove: string[] = [];
  for (const word of words) {
    const [, key, value] = /^([^=@]+)=(.*)$/s.exec(word) ?? [];
    if (key !== undefined && value !== undefined) set[key] = value;
    else if (/^[^@]*[^-]-$/.test(word)) remove.push(word.slice(0, -1));
    else sets.push(word);
  }
  return { sets, set, remove };
}
