/** `drover nodes show`: everything that is known of one node. */
import { type CommandLine, UsageError } from '#base/command-line.ts';
import { callOptions } from '#cli/call-options.ts';
import type { CommandContext } from '#cli/command.ts';
import { listTasks } from '#cli/list-tasks.ts';
import { seen, showLabels, showState } from '#cli/node-view.ts';
import { showTime } from '#cli/output/format-time.ts';
import { printJson } from '#cli/output/json.ts';
import { renderTable } from '#cli/output/table.ts';
import type { showNodeSyntax } from '#cli/syntax/node-syntax.ts';
import { taskColumns } from '#cli/task-columns.ts';
import { exitCodes } from '#core/exit-code.ts';
import { formatSize } from '#core/format-size.ts';
import { activeStates } from '#core/task-state.ts';
import {
  type Disk,
  type HostFacts,
  type Node,
  NodeSchema,
  type PolicyFacts,
} from '#protocol/gen/drover/v1/node_pb.ts';
import { type Field, printFields } from './print-fields.ts';

/** Prints its facts, and its tasks that have not ended. */
export async function showNode(
  context: CommandContext,
  { options, words }: CommandLine<(typeof showNodeSyntax)['options']>,
): Promise<number> {
  const [name] = words;
  if (name === undefined) throw new UsageError('drover nodes show: which node? drover nodes lists them');
  const { out, clock } = context;
  const connection = await context.connect(options.data);
  const call = callOptions(context);
  const node = await connection.nodes.getNode({ name }, call);
  if (options.output === 'json') {
    printJson(out, NodeSchema, node);
    return exitCodes.success;
  }
  printFields(out, nodeFields(node, clock.wallMs()));
  const tasks = await listTasks(connection, { nodes: name, states: [...activeStates] }, call);
  if (tasks.length === 0) return exitCodes.success;
  for (const row of renderTable(taskColumns(clock.wallMs()), tasks, out.columns)) out.outLine(row);
  return exitCodes.success;
}

function nodeFields(node: Node, nowMs: number): Field[] {
  const { drain, facts } = node;
  return [
    ['node', node.name],
    ['state', showState(node)],
    ['seen', seen(node, nowMs)],
    ['labels', showLabels(node)],
    ['drained', drain ? `${drain.reason} (by ${drain.by}, ${showTime(drain.at)})` : ''],
    ['joined', showTime(node.joinedAt)],
    ['address', node.address],
    ['agent', node.version],
    ...(facts ? factFields(facts) : []),
    ['tasks', String(node.activeTasks)],
  ];
}

function factFields(facts: HostFacts): Field[] {
  return [
    ['supervisor', facts.supervisorVersion],
    ['host', facts.hostname],
    ['os', facts.os],
    ['kernel', facts.kernel],
    ['processors', `${facts.cpus} ${facts.arch}`],
    ['memory', `${formatSize(facts.memoryBytes)}, ${formatSize(facts.memoryAvailableBytes)} available`],
    ['load', facts.loadMillis.map((load) => (load / 1_000).toFixed(2)).join(' ')],
    ...facts.disks.map((disk): Field => ['disk', describeDisk(disk)]),
    ['addresses', facts.addresses.join(' ')],
    ['boot', facts.bootId],
    ['policy', describePolicy(facts.policy)],
    ['policy file', facts.policy?.problem ?? ''],
  ];
}

/** "4f1c0a9b2d3e since 2026-01-01 10:00:00". */
function describePolicy(policy: PolicyFacts | undefined): string {
  if (!policy) return '';
  if (policy.digest === '') return 'none: nothing is allowed';
  return `${policy.digest.slice(0, 12)} since ${showTime(policy.since)}`;
}

/** "/ ext4, 12 GiB of 40 GiB free". */
function describeDisk({ mount, type, sizeBytes, freeBytes }: Disk): string {
  return `${mount} ${type}, ${formatSize(freeBytes)} of ${formatSize(sizeBytes)} free`;
}
