/**
 * What one task printed: one of its attempts, or several one after the other; while following also those that come, until the
 * task has ended. An attempt that cannot be read does not keep the next from being read.
 */
import { create } from '@bufbuild/protobuf';
import { type LogRequest, NodeRefusedError } from '#controller/dispatch/dispatch.ts';
import type { ReadLogsRequest } from '#protocol/gen/drover/v1/api_pb.ts';
import { type LogChunk, LogChunkSchema, type Task, TaskState } from '#protocol/gen/drover/v1/task_pb.ts';
import type { ApiParts } from './api-parts.ts';
import { latestAttempt } from './task-progress.ts';
import { untilTask } from './until-task.ts';

type Parts = Pick<ApiParts, 'store' | 'dispatch'>;

/**
 * Yields the chunks that `request` asks for of `task`. In time order one of them says `caughtUp`: it comes as soon as all that
 * was there has come, also where there was nothing.
 *
 * @throws NodeRefusedError for the first attempt that cannot be read, after all that can; the reason of `signal`.
 */
export async function* readTaskLog(
  parts: Parts,
  task: Task,
  request: ReadLogsRequest,
  signal: AbortSignal,
): AsyncGenerator<LogChunk, void, undefined> {
  let current = task;
  let refusal: NodeRefusedError | undefined;
  let caughtUp = false;
  const known = latestAttempt(task);
  for (let done = doneAtFirst(task, request); ; ) {
    const next = nextAttempt(current, request, done);
    if (next === undefined) {
      if (!request.follow || isOver(current, request)) break;
      if (!caughtUp && request.inTimeOrder) yield caughtUpOf(task, done);
      caughtUp = true;
      const hasNews = (news: Task) => isOver(news, request) || nextAttempt(news, request, done) !== undefined;
      current = await untilTask(parts, current, hasNews, signal);
      continue;
    }
    try {
      for await (const chunk of parts.dispatch.readLog(
        task,
        logRequest(request, next, next > known),
        signal,
      )) {
        if (!chunk.caughtUp) yield chunk;
        else if (!caughtUp && next >= latestAttempt(current)) {
          caughtUp = true;
          yield chunk;
        }
      }
    } catch (error) {
      if (!(error instanceof NodeRefusedError)) throw error;
      refusal ??= error;
    }
    done = next;
  }
  if (refusal) throw refusal;
}

/** Attempts up to here are not asked for. */
function doneAtFirst(task: Task, { attempt, everyAttempt }: ReadLogsRequest): number {
  if (attempt > 0) return attempt - 1;
  return everyAttempt ? 0 : Math.max(0, latestAttempt(task) - 1);
}

function nextAttempt({ attempts }: Task, { attempt }: ReadLogsRequest, done: number): number | undefined {
  const next = attempts.find(({ number }) => number > done)?.number;
  return attempt > 0 && next !== attempt ? undefined : next;
}

/** Nothing more will come. */
function isOver(task: Task, { attempt }: ReadLogsRequest): boolean {
  return task.state === TaskState.ENDED || (attempt > 0 && latestAttempt(task) >= attempt);
}

/** @param isNew it began after reading did: all of it is news. */
function logRequest(request: ReadLogsRequest, attempt: number, isNew: boolean): LogRequest {
  const { source, follow, since, until, inTimeOrder: times, interactive } = request;
  const from = isNew ? { stdoutOffset: 0n, stderrOffset: 0n, tailLines: 0 } : request;
  const { stdoutOffset, stderrOffset, tailLines } = from;
  return { attempt, source, stdoutOffset, stderrOffset, tailLines, follow, since, until, times, interactive };
}

function caughtUpOf({ id: taskId, node }: Task, attempt: number): LogChunk {
  return create(LogChunkSchema, { taskId, node, attempt, caughtUp: true });
}
