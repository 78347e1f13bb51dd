/**
 * What tasks printed, several tasks' streams merged as they come. A node that cannot be read does not keep the others
 * from being read: what is missing is said at the end.
 */
import { type Dispatch, type LogRequest, NodeRefusedError } from '#controller/dispatch/dispatch.ts';
import { compareNames } from '#core/node-set/compare-names.ts';
import type { ReadLogsRequest } from '#protocol/gen/drover/v1/api_pb.ts';
import type { LogChunk, Task } from '#protocol/gen/drover/v1/task_pb.ts';
import { limits } from '#protocol/limits.ts';
import type { ApiParts } from './api-parts.ts';
import { ResponseQueue } from './response-queue.ts';
import { latestAttempt } from './task-progress.ts';
import { untilStarted } from './until-started.ts';

/** Streams that are read at once where nobody waits for more to be printed. */
const streamsMax = 64;
/** Nodes that the last error names. */
const namedMax = 3;

/**
 * Yields the output of `tasks`.
 *
 * @throws NodeRefusedError after everything that could be read, when some could not; the reason of `signal`.
 */
export async function* readLogs(
  { store, dispatch }: Pick<ApiParts, 'store' | 'dispatch'>,
  tasks: readonly Task[],
  request: ReadLogsRequest,
  signal: AbortSignal,
): AsyncGenerator<LogChunk, void, undefined> {
  // What waits for a person is what still comes after Ctrl-C.
  const bufferBytes = request.interactive ? limits.logChunkBytesMax : limits.followBufferBytesMax;
  const queue = new ResponseQueue<LogChunk>(bufferBytes);
  const abort = new AbortController();
  const both = AbortSignal.any([signal, abort.signal]);
  const refused: string[] = [];
  const pump = async (task: Task) => {
    try {
      const started = request.follow ? await untilStarted(dispatch, store.read, task, both) : task;
      await pumpLog(dispatch, started, logRequest(started, request), queue, both);
    } catch (error) {
      if (!(error instanceof NodeRefusedError)) throw error;
      refused.push(`${task.node}: ${error.message}`);
    }
  };
  const sorted = tasks.toSorted((a, b) => compareNames(a.node, b.node));
  forEachAtOnce(sorted, request.follow ? sorted.length : streamsMax, pump).then(
    () => (refused.length > 0 ? queue.fail(unreadable(refused)) : queue.end()),
    (error: unknown) => queue.fail(error),
  );
  try {
    yield* queue.read(signal);
  } finally {
    abort.abort();
  }
}

async function pumpLog(
  dispatch: Dispatch,
  task: Task,
  request: LogRequest,
  queue: ResponseQueue<LogChunk>,
  signal: AbortSignal,
): Promise<void> {
  // Without an attempt nothing was ever printed, and the node knows no such log.
  if (request.attempt === 0) return;
  for await (const chunk of dispatch.readLog(task, request, signal)) {
    await queue.put(chunk, chunk.data.length, signal);
  }
}

function logRequest(task: Task, request: ReadLogsRequest): LogRequest {
  const { source, stdoutOffset, stderrOffset, tailLines, follow, interactive } = request;
  const attempt = request.attempt || latestAttempt(task);
  return { attempt, source, stdoutOffset, stderrOffset, tailLines, follow, interactive };
}

/** Calls `work` for each item, at most `atOnce` at a time; rejects with the first failure. */
async function forEachAtOnce<T>(
  items: readonly T[],
  atOnce: number,
  work: (item: T) => Promise<void>,
): Promise<void> {
  const rest = items.values();
  const worker = async () => {
    for (const item of rest) await work(item);
  };
  await Promise.all(Array.from({ length: Math.min(atOnce, items.length) }, worker));
}

function unreadable(refused: readonly string[]): NodeRefusedError {
  const more = refused.length > namedMax ? `; and ${refused.length - namedMax} more` : '';
  return new NodeRefusedError(`cannot read output: ${refused.slice(0, namedMax).join('; ')}${more}`);
}
