/** `drover logs`: what tasks printed, up to now or on and on. */
import type { CommandLine } from '#base/command-line.ts';
import { callOptions } from '#cli/call-options.ts';
import type { CommandContext } from '#cli/command.ts';
import { CommandError } from '#cli/command-error.ts';
import { LogCursor, type LogStart } from '#cli/follow/log-cursor.ts';
import { retryStream } from '#cli/follow/retry-stream.ts';
import { listTasks } from '#cli/list-tasks.ts';
import { printJsonLine } from '#cli/output/json.ts';
import { LogPrinter } from '#cli/output/log-printer.ts';
import { sayFullDisks } from '#cli/output/say-full-disks.ts';
import type { logsSyntax } from '#cli/syntax/task-syntax.ts';
import { queryNamedTasks } from '#cli/task-query.ts';
import { exitCodes } from '#core/exit-code.ts';
import {
  type Attempt,
  type LogChunk,
  LogChunkSchema,
  LogSource,
  type Task,
} from '#protocol/gen/drover/v1/task_pb.ts';
import { limits } from '#protocol/limits.ts';
import { type LogsPlan, planLogs } from './plan-logs.ts';

/** Prints logs; one task's as it is, several with the names of their nodes. */
export async function logs(
  context: CommandContext,
  { options, words }: CommandLine<(typeof logsSyntax)['options']>,
): Promise<number> {
  const { out, clock, abort } = context;
  const query = queryNamedTasks('logs', words, options.nodes, context.selection);
  const plan = planLogs(options, clock.wallMs());
  const connection = await context.connect(options.data);
  const tasks = await listTasks(connection, query, callOptions(context));
  if (tasks.length === 0) throw new CommandError(exitCodes.requestFailed, 'no task there');
  const refs = tasks.map((task) => task.id);
  const request = requestOf(plan, refs, context);
  const cursor = new LogCursor();
  if (plan.attempt === 0 && plan.fromAttempt === 0) {
    for (const { id, attempts } of tasks) cursor.beginAt(id, attempts.at(-1)?.number ?? 0);
  }
  const open = () => connection.tasks.readLogs(resumed(request, cursor.resumption(refs)), { signal: abort });
  const chunks = retryStream(open, {
    clock,
    abort,
    reached: true,
    onLost: () => out.errLine('drover: lost the controller, trying to reach it again'),
    onBack: () => {},
  });
  const print = printingOf(plan, tasks, context);
  try {
    for await (const chunk of chunks) {
      const unread = cursor.unread(chunk);
      if (unread) await print.chunk(unread);
    }
  } finally {
    print.end();
  }
  const latest = plan.follow ? await listTasks(connection, { refs }, callOptions(context)) : tasks;
  sayFullDisks(out, latest, shownBy(plan));
  return exitCodes.success;
}

function shownBy({ attempt, fromAttempt }: LogsPlan): ((one: Attempt) => boolean) | undefined {
  if (attempt > 0) return ({ number }) => number === attempt;
  return fromAttempt > 0 ? ({ number }) => number >= fromAttempt : undefined;
}

/** @throws CommandError for times of more tasks than can be ordered by them. */
function requestOf(plan: LogsPlan, refs: string[], { out }: CommandContext) {
  const { source, attempt, fromAttempt, tailLines, follow, since, until } = plan;
  const max = limits.logMergeTasksMax;
  const isTooMany = refs.length > max;
  if (isTooMany && plan.times) {
    throw new CommandError(
      exitCodes.usage,
      `--timestamps is for ${max} tasks at the most, and these are ${refs.length}`,
    );
  }
  if (isTooMany && !plan.json) {
    out.errLine(
      `drover: ${refs.length} tasks are more than can be ordered by time (${max}): lines come as they arrive`,
    );
  }
  // A single output is in order by itself, and quicker.
  const needsOrder = refs.length > 1 || plan.times || plan.json || source === LogSource.UNSPECIFIED;
  const inTimeOrder = needsOrder && !isTooMany;
  const times = { ...(since && { since }), ...(until && { until }) };
  return { query: { refs }, source, attempt, fromAttempt, tailLines, follow, inTimeOrder, ...times };
}

/** The request for the rest, where something was read already. */
function resumed(
  request: ReturnType<typeof requestOf>,
  resumption: LogStart | undefined,
): ReturnType<typeof requestOf> {
  if (!resumption) return request;
  const fromAttempt = request.attempt > 0 ? 0 : resumption.fromAttempt;
  return { ...request, ...resumption, fromAttempt, tailLines: 0 };
}

interface Printing {
  chunk(chunk: LogChunk): Promise<void>;
  /** Nothing more comes. */
  end(): void;
}

function printingOf(plan: LogsPlan, tasks: readonly Task[], { out }: CommandContext): Printing {
  if (plan.json) {
    return {
      async chunk(chunk) {
        printJsonLine(out, LogChunkSchema, chunk);
        await out.drained();
      },
      end: () => {},
    };
  }
  const { raw, times, grep } = plan;
  const printer = new LogPrinter(out, { prefix: prefixesOf(tasks), raw, times, grep });
  return {
    async chunk(chunk) {
      if (!chunk.caughtUp) await printer.print(chunk);
    },
    end: () => printer.flush(),
  };
}

/** Nothing for a single task; else the node's name, with the task's id where the node has several. */
function prefixesOf(tasks: readonly Task[]): (chunk: LogChunk) => string {
  if (tasks.length === 1) return () => '';
  const perNode = Map.groupBy(tasks, (task) => task.node);
  const several = (node: string) => (perNode.get(node)?.length ?? 0) > 1;
  return ({ node, taskId }) => (several(node) ? `${node} ${taskId}: ` : `${node}: `);
}
