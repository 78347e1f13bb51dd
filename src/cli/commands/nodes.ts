/** `drover nodes`: the nodes and how the controller stands to them. */
import { timestampMs } from '@bufbuild/protobuf/wkt';
import type { CommandLine } from '#base/command-line.ts';
import { callOptions } from '#cli/call-options.ts';
import type { CommandContext } from '#cli/command.ts';
import { formatDuration } from '#cli/output/format-duration.ts';
import { showTime } from '#cli/output/format-time.ts';
import { type ListView, printList } from '#cli/output/print-list.ts';
import type { Column } from '#cli/output/table.ts';
import type { nodesSyntax } from '#cli/syntax/cluster-syntax.ts';
import { exitCodes } from '#core/exit-code.ts';
import { formatSize } from '#core/format-size.ts';
import { nodeStateWord } from '#core/liveness.ts';
import { ListNodesResponseSchema } from '#protocol/gen/drover/v1/api_pb.ts';
import { type Node, NodeSchema, NodeState } from '#protocol/gen/drover/v1/node_pb.ts';

/** Lists them in natural order. */
export async function nodes(
  context: CommandContext,
  { options, words }: CommandLine<(typeof nodesSyntax)['options']>,
): Promise<number> {
  const connection = await context.connect(options.data);
  const target = { nodes: words[0] ?? '', selector: options.label ?? '' };
  const list = await connection.nodes.listNodes(target, callOptions(context));
  printList(context.out, options.output, viewAt(context.clock.wallMs()), list, list.nodes);
  return exitCodes.success;
}

function viewAt(nowMs: number): ListView<typeof ListNodesResponseSchema, typeof NodeSchema> {
  const columns: Column<Node>[] = [
    { header: 'NODE', value: (node) => node.name },
    { header: 'STATE', value: (node) => nodeStateWord(node.state) },
    { header: 'TASKS', value: (node) => String(node.activeTasks), right: true },
    { header: 'SEEN', value: (node) => seen(node, nowMs), right: true },
    { header: 'HOST', value: (node) => node.facts?.hostname || '-' },
    { header: 'LABELS', value: showLabels },
  ];
  const wide: Column<Node>[] = [
    { header: 'ADDRESS', value: (node) => node.address || '-' },
    { header: 'VERSION', value: (node) => node.version || '-' },
    { header: 'CPUS', value: (node) => String(node.facts?.cpus ?? '-'), right: true },
    {
      header: 'MEMORY',
      value: (node) => (node.facts ? formatSize(node.facts.memoryBytes) : '-'),
      right: true,
    },
    { header: 'KERNEL', value: (node) => node.facts?.kernel || '-' },
    { header: 'OS', value: (node) => node.facts?.os || '-' },
    { header: 'JOINED', value: (node) => showTime(node.joinedAt) },
  ];
  return {
    list: ListNodesResponseSchema,
    item: NodeSchema,
    columns,
    wide: [...columns.slice(0, -1), ...wide, ...columns.slice(-1)],
    name: (node) => node.name,
    empty: 'no node has joined: drover join-token create prints how',
  };
}

function seen(node: Node, nowMs: number): string {
  if (node.state === NodeState.CONNECTED) return 'now';
  return node.seenAt ? `${formatDuration(nowMs - timestampMs(node.seenAt))} ago` : 'never';
}

function showLabels(node: Node): string {
  const labels = Object.entries(node.labels).sort(([a], [b]) => (a < b ? -1 : 1));
  return labels.map(([key, value]) => `${key}=${value}`).join(',') || '-';
}
