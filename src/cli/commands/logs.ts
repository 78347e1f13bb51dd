/** `drover logs`: what tasks printed, up to now or on and on. */
import { type CommandLine, type OptionValues, UsageError } from '#base/command-line.ts';
import { callOptions } from '#cli/call-options.ts';
import type { CommandContext } from '#cli/command.ts';
import { CommandError } from '#cli/command-error.ts';
import { LogCursor } from '#cli/follow/log-cursor.ts';
import { retryStream } from '#cli/follow/retry-stream.ts';
import { listTasks } from '#cli/list-tasks.ts';
import { LogPrinter } from '#cli/output/log-printer.ts';
import { parseCount } from '#cli/parse-count.ts';
import type { logsSyntax } from '#cli/syntax/task-syntax.ts';
import { queryNamedTasks } from '#cli/task-query.ts';
import { exitCodes } from '#core/exit-code.ts';
import { type LogChunk, LogSource, type Task } from '#protocol/gen/drover/v1/task_pb.ts';

type Options = OptionValues<(typeof logsSyntax)['options']>;

/** Prints logs; one task's as it is, several with the names of their nodes. */
export async function logs(
  context: CommandContext,
  { options, words }: CommandLine<(typeof logsSyntax)['options']>,
): Promise<number> {
  const query = queryNamedTasks('logs', words, options.nodes, context.selection);
  const { source, attempt, tailLines, follow } = planReading(options);
  const connection = await context.connect(options.data);
  const tasks = await listTasks(connection, query, callOptions(context));
  if (tasks.length === 0) throw new CommandError(exitCodes.requestFailed, 'no task there');
  const printer = new LogPrinter(context.out, { prefix: prefixesOf(tasks), raw: options.raw ?? false });
  const refs = tasks.map((task) => task.id);
  const cursor = new LogCursor();
  let first = true;
  const open = () => {
    const request = { query: { refs }, source, attempt, follow, tailLines: first ? tailLines : 0 };
    first = false;
    return connection.tasks.readLogs(request, { signal: context.abort });
  };
  const { out, clock, abort } = context;
  const chunks = retryStream(open, {
    clock,
    abort,
    onLost: () => out.errLine('drover: lost the controller, trying to reach it again'),
    onBack: () => {},
  });
  try {
    for await (const chunk of chunks) {
      const unread = cursor.unread(chunk);
      if (unread) await printer.print(unread);
    }
  } finally {
    printer.flush();
  }
  return exitCodes.success;
}

function planReading(options: Options) {
  if (options.stdout && options.stderr)
    throw new UsageError('drover logs: give --stdout or --stderr, not both');
  const one = options.stdout ? LogSource.STDOUT : LogSource.STDERR;
  return {
    source: options.stdout || options.stderr ? one : LogSource.UNSPECIFIED,
    attempt: options.attempt === undefined ? 0 : parseCount(options.attempt, '--attempt'),
    tailLines: options.tail === undefined ? 0 : parseCount(options.tail, '-n'),
    follow: options.follow ?? false,
  };
}

/** Nothing for a single task; else the node's name, with the task's id where the node has several. */
function prefixesOf(tasks: readonly Task[]): (chunk: LogChunk) => string {
  if (tasks.length === 1) return () => '';
  const perNode = Map.groupBy(tasks, (task) => task.node);
  const several = (node: string) => (perNode.get(node)?.length ?? 0) > 1;
  return ({ node, taskId }) => (several(node) ? `${node} ${taskId}: ` : `${node}: `);
}
