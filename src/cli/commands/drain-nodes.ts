/** `drover nodes drain` and `drover nodes resume`: whether nodes take new tasks. */
import { create } from '@bufbuild/protobuf';
import { type CommandLine, UsageError } from '#base/command-line.ts';
import { callOptions } from '#cli/call-options.ts';
import type { CommandContext } from '#cli/command.ts';
import { nodeView } from '#cli/node-view.ts';
import { printList } from '#cli/output/print-list.ts';
import type { drainNodesSyntax, resumeNodesSyntax } from '#cli/syntax/node-syntax.ts';
import { exitCodes } from '#core/exit-code.ts';
import { foldNodeNames } from '#core/node-set/fold-node-names.ts';
import { activeStates } from '#core/task-state.ts';
import { ListNodesResponseSchema } from '#protocol/gen/drover/v1/api_pb.ts';
import type { Node } from '#protocol/gen/drover/v1/node_pb.ts';

/** Drains them, stops their tasks if so wished, and lists them as they are then. Exit code 4 where a stop did not arrive. */
export async function drainNodes(
  context: CommandContext,
  { options, words }: CommandLine<(typeof drainNodesSyntax)['options']>,
): Promise<number> {
  const target = readTarget('drain', words, options.label);
  const { reason } = options;
  if (reason === undefined) throw new UsageError('drover nodes drain: why? give --reason TEXT');
  const connection = await context.connect(options.data);
  const { nodes } = await connection.nodes.drainNodes({ ...target, reason }, callOptions(context));
  list(context, options.output, nodes);
  if (!options.stop) return exitCodes.success;
  const query = { nodes: foldNodeNames(nodes.map(({ name }) => name)), states: [...activeStates] };
  const { results } = await connection.tasks.stopTasks({ query }, callOptions(context));
  const failed = results.filter(({ error }) => error !== '');
  for (const { node, taskId, error } of failed) context.out.errLine(`drover: ${node} ${taskId}: ${error}`);
  context.out.errLine(`stopping ${results.length - failed.length} tasks`);
  return failed.length === 0 ? exitCodes.success : exitCodes.unreachable;
}

/** Resumes them, and lists them as they are then. */
export async function resumeNodes(
  context: CommandContext,
  { options, words }: CommandLine<(typeof resumeNodesSyntax)['options']>,
): Promise<number> {
  const target = readTarget('resume', words, options.label);
  const connection = await context.connect(options.data);
  const { nodes } = await connection.nodes.resumeNodes(target, callOptions(context));
  list(context, options.output, nodes);
  return exitCodes.success;
}

function readTarget(what: string, [nodes = '']: readonly string[], selector = '') {
  if (nodes === '' && selector === '')
    throw new UsageError(`drover nodes ${what}: which nodes? give a node set, or labels with -l`);
  return { nodes, selector };
}

function list(context: CommandContext, output: string | undefined, nodes: Node[]): void {
  const whole = create(ListNodesResponseSchema, { nodes });
  printList(context.out, output, nodeView(context.clock.wallMs()), whole, nodes);
}
