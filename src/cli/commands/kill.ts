/** `drover kill`: a signal for tasks. */
import { type CommandLine, type OptionValues, UsageError } from '#base/command-line.ts';
import { callOptions } from '#cli/call-options.ts';
import type { CommandContext } from '#cli/command.ts';
import { parseSignal } from '#cli/signals.ts';
import type { killSyntax } from '#cli/syntax/task-syntax.ts';
import { queryNamedTasks } from '#cli/task-query.ts';
import { SignalScope } from '#protocol/gen/drover/v1/task_pb.ts';
import { printActions } from './print-actions.ts';

type KillOptions = (typeof killSyntax)['options'];

/** Sends it, and says for each task whether it arrived. */
export async function kill(
  context: CommandContext,
  { options, words }: CommandLine<KillOptions>,
): Promise<number> {
  const query = queryNamedTasks('kill', words, options.nodes, context.selection);
  const { signal, scope } = planKill(options);
  const connection = await context.connect(options.data);
  const response = await connection.tasks.signalTasks({ query, signal, scope }, callOptions(context));
  return printActions(context.out, options.output, `sent ${signal} to`, response);
}

/**
 * Which signal, and to whom of a task: SIGINT to its leader, unless told otherwise.
 *
 * @throws UsageError for options that contradict each other.
 */
export function planKill(options: OptionValues<KillOptions>): { signal: string; scope: SignalScope } {
  if (options.group && (options.tree || options.force)) {
    throw new UsageError('drover kill: --group contradicts --tree and --force');
  }
  if (options.force && options.signal !== undefined) {
    throw new UsageError('drover kill: --force is SIGKILL: give it or -s, not both');
  }
  if (options.force) return { signal: 'SIGKILL', scope: SignalScope.TREE };
  const signal = parseSignal(options.signal ?? 'INT', '-s');
  if (options.tree) return { signal, scope: SignalScope.TREE };
  return { signal, scope: options.group ? SignalScope.GROUP : SignalScope.LEADER };
}
