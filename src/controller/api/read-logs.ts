/**
 * What tasks printed, several tasks' streams merged as they come or in the order of writing. A node that cannot be read does
 * not keep the others from being read: what is missing is said at the end.
 */
import { NodeRefusedError } from '#controller/dispatch/dispatch.ts';
import { compareNames } from '#core/node-set/compare-names.ts';
import { RefusedError } from '#protocol/errors.ts';
import type { ReadLogsRequest } from '#protocol/gen/drover/v1/api_pb.ts';
import type { LogChunk, Task } from '#protocol/gen/drover/v1/task_pb.ts';
import { limits } from '#protocol/limits.ts';
import type { ApiParts } from './api-parts.ts';
import { chunkBytes } from './chunk-bytes.ts';
import { forEachAtOnce } from './for-each-at-once.ts';
import { mergeLogs } from './log-merge.ts';
import { readTaskLog } from './read-task-log.ts';
import { ResponseQueue } from './response-queue.ts';

/** Streams that are read at once where nobody waits for more to be printed. */
const streamsMax = 64;
/** Nodes that the last error names. */
const namedMax = 3;

/**
 * Yields the output of `tasks`.
 *
 * @throws RefusedError for a request that cannot be met; NodeRefusedError after everything that could be read, when some
 *   could not; the reason of `signal`.
 */
export async function* readLogs(
  parts: Pick<ApiParts, 'store' | 'dispatch' | 'clock'>,
  tasks: readonly Task[],
  request: ReadLogsRequest,
  signal: AbortSignal,
): AsyncGenerator<LogChunk, void, undefined> {
  checkRequest(request, tasks.length);
  // What waits for a person is what still comes after Ctrl-C.
  const bufferBytes = request.interactive ? limits.logChunkBytesMax : limits.followBufferBytesMax;
  const queue = new ResponseQueue<LogChunk>(bufferBytes);
  const abort = new AbortController();
  const both = AbortSignal.any([signal, abort.signal]);
  const refused: string[] = [];
  const streams = tasks
    .toSorted((a, b) => compareNames(a.node, b.node))
    .map((task) => untilRefused(task.node, readTaskLog(parts, task, request, both), refused));
  const put = (chunk: LogChunk) => queue.put(chunk, chunkBytes(chunk), both);
  const { clock } = parts;
  const sent = request.inTimeOrder
    ? mergeLogs(streams, { clock, waitMs: limits.logMergeWaitMs, put })
    : forEachAtOnce(streams, request.follow ? streams.length : streamsMax, async (stream) => {
        for await (const chunk of stream) await put(chunk);
      });
  sent.then(
    () => (refused.length > 0 ? queue.fail(unreadable(refused)) : queue.end()),
    (error: unknown) => queue.fail(error),
  );
  try {
    yield* queue.read(signal);
  } finally {
    abort.abort();
  }
}

function checkRequest({ inTimeOrder, fromAttempt, attempt }: ReadLogsRequest, tasks: number): void {
  const max = limits.logMergeTasksMax;
  if (inTimeOrder && tasks > max) {
    throw new RefusedError('LIMIT', `cannot order the output of ${tasks} tasks by time: ${max} at the most`);
  }
  if (fromAttempt > 0 && attempt > 0) {
    throw new RefusedError(
      'INVALID',
      `cannot read attempt ${attempt} only and all from ${fromAttempt} on: one of them`,
    );
  }
}

/** The same chunks. What their node refuses ends them, and is noted. */
async function* untilRefused(
  node: string,
  chunks: AsyncIterable<LogChunk>,
  refused: string[],
): AsyncGenerator<LogChunk, void, undefined> {
  try {
    yield* chunks;
  } catch (error) {
    if (!(error instanceof NodeRefusedError)) throw error;
    refused.push(`${node}: ${error.message}`);
  }
}

function unreadable(refused: readonly string[]): NodeRefusedError {
  const more = refused.length > namedMax ? `; and ${refused.length - namedMax} more` : '';
  return new NodeRefusedError(`cannot read output: ${refused.slice(0, namedMax).join('; ')}${more}`);
}
