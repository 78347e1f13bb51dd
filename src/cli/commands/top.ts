/** `drover top`: what running tasks use now, refreshed in place; once, or as lines of JSON, where nobody looks on. */

import { delay } from '#base/clock.ts';
import { type CommandLine, UsageError } from '#base/command-line.ts';
import type { CommandContext } from '#cli/command.ts';
import type { Connection } from '#cli/connect-cluster.ts';
import { describeFailure, reasonOf } from '#cli/failure.ts';
import { parseDuration } from '#cli/output/format-duration.ts';
import { printJson, printJsonLine } from '#cli/output/json.ts';
import { sayProblems } from '#cli/output/say-problems.ts';
import { renderTable } from '#cli/output/table.ts';
import type { topSyntax } from '#cli/syntax/top-syntax.ts';
import { queryTasks, type TaskQueryInit } from '#cli/task-query.ts';
import { LiveTop, sample } from '#cli/top/live-top.ts';
import { topColumns } from '#cli/top/top-columns.ts';
import type { SortKey } from '#cli/top/top-rows.ts';
import { firstState, takeAnswer, visibleRows } from '#cli/top/top-state.ts';
import { type SampleTasksResponse, SampleTasksResponseSchema } from '#protocol/gen/drover/v1/api_pb.ts';

const intervalDefaultMs = 2_000;
/** Every node is asked each time. */
const intervalMinMs = 200;
/** Between the two looks of a single table: long enough for a rate that means something. */
const onceIntervalMs = 1_000;

/** Exit code 0 when left by q, 130 by Ctrl-C; of a single look 4 where a node could not be asked. */
export async function top(
  context: CommandContext,
  { options, words }: CommandLine<(typeof topSyntax)['options']>,
): Promise<number> {
  const intervalMs = options.interval === undefined ? intervalDefaultMs : parseInterval(options.interval);
  const query = queryTasks(words, options.nodes, context.selection);
  const sort = (options.sort ?? 'cpu') as SortKey;
  const { out, clock, terminal } = context;
  const connection = await context.connect(options.data);
  const first = await sample(context, connection, query);
  if (options.output === 'json') {
    printJson(out, SampleTasksResponseSchema, first);
    return sayProblems(out, first.problems);
  }
  if (options.output === 'jsonl') {
    printJsonLine(out, SampleTasksResponseSchema, first);
    if (options.once) return sayProblems(out, first.problems);
    return await printOnAndOn(context, connection, query, intervalMs);
  }
  const state = firstState(first, clock.monotonicMs(), sort);
  if (terminal && out.outIsTerminal && !options.once && options.output === undefined) {
    return await new LiveTop(context, { connection, query, intervalMs }, state).show(terminal);
  }
  await delay(clock, onceIntervalMs, context.abort);
  const second = await sample(context, connection, query);
  const rows = visibleRows(takeAnswer(state, second, clock.monotonicMs()));
  if (rows.length === 0) out.errLine('no task runs');
  else for (const line of renderTable(topColumns, rows, out.columns)) out.outLine(line);
  return sayProblems(out, second.problems);
}

function parseInterval(text: string): number {
  const ms = parseDuration(text, '--interval');
  if (ms >= intervalMinMs) return ms;
  throw new UsageError(
    `--interval takes at least ${intervalMinMs}ms, since every node is asked each time, not ${JSON.stringify(text)}`,
  );
}

/** A line of JSON for each look, until it is interrupted or refused; over a controller that goes away and comes back. */
async function printOnAndOn(
  context: CommandContext,
  connection: Connection,
  query: TaskQueryInit,
  intervalMs: number,
): Promise<number> {
  const { out, clock, abort } = context;
  let silent = false;
  for (;;) {
    await delay(clock, intervalMs, abort);
    let answer: SampleTasksResponse;
    try {
      answer = await sample(context, connection, query);
    } catch (error) {
      const reason = reasonOf(error);
      if (abort.aborted || (reason !== undefined && reason !== 'STOPPING')) throw error;
      if (!silent) out.errLine(`drover: ${describeFailure(error, connection.address).message}; asking again`);
      silent = true;
      continue;
    }
    if (silent) out.errLine('drover: the controller is back');
    silent = false;
    printJsonLine(out, SampleTasksResponseSchema, answer);
    await out.drained();
  }
}
