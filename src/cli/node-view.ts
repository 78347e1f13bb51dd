/** How nodes look in a list, and the words of one. */
import { timestampMs } from '@bufbuild/protobuf/wkt';
import { formatSize } from '#core/format-size.ts';
import { nodeStateWord } from '#core/liveness.ts';
import { ListNodesResponseSchema } from '#protocol/gen/drover/v1/api_pb.ts';
import { type Node, NodeSchema } from '#protocol/gen/drover/v1/node_pb.ts';
import { formatDuration } from './output/format-duration.ts';
import { showTime } from './output/format-time.ts';
import type { ListView } from './output/print-list.ts';
import type { Column } from './output/table.ts';

/** The list of nodes, as of a moment. */
export function nodeView(nowMs: number): ListView<typeof ListNodesResponseSchema, typeof NodeSchema> {
  const columns: Column<Node>[] = [
    { header: 'NODE', value: (node) => node.name },
    { header: 'STATE', value: showState },
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
    { header: 'DRAINED', value: (node) => node.drain?.reason ?? '-' },
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

/** Its state, and that it is drained. */
export function showState(node: Node): string {
  return node.drain ? `${nodeStateWord(node.state)}, drained` : nodeStateWord(node.state);
}

/** How long ago it was heard of, such as "3.0s ago". */
export function seen(node: Node, nowMs: number): string {
  return node.seenAt ? `${formatDuration(nowMs - timestampMs(node.seenAt))} ago` : 'never';
}

/** "role=web,zone=a", or a dash. */
export function showLabels(node: Node): string {
  const labels = Object.entries(node.labels).sort(([a], [b]) => (a < b ? -1 : 1));
  return labels.map(([key, value]) => `${key}=${value}`).join(',') || '-';
}
