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

/** Where to begin in an attempt. */
type LogStart = Pick<LogRequest, 'stdoutOffset' | 'stderrOffset' | 'tailLines'>;

const fromStart = { stdoutOffset: 0n, stderrOffset: 0n };

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
  const first = Math.max(1, request.attempt || request.fromAttempt || known);
  for (let next = first; ; ) {
    const attempt = findAttempt(current, request, next);
    if (attempt === undefined) {
      if (!request.follow || isOver(current, request)) break;
      if (!caughtUp && request.inTimeOrder) yield caughtUpOf(task, next - 1);
      caughtUp = true;
      const hasNews = (news: Task) => isOver(news, request) || findAttempt(news, request, next) !== undefined;
      current = await untilTask(parts, current, hasNews, signal);
      continue;
    }
    const from =
      next === first ? request : { ...fromStart, tailLines: attempt > known ? 0 : request.tailLines };
    try {
      for await (const chunk of parts.dispatch.readLog(task, logRequest(request, attempt, from), signal)) {
        if (!chunk.caughtUp) yield chunk;
        else if (!caughtUp && attempt >= latestAttempt(current)) {
          caughtUp = true;
          yield chunk;
        }
      }
    } catch (error) {
      if (!(error instanceof NodeRefusedError)) throw error;
      refusal ??= error;
    }
    next = attempt + 1;
  }
  if (refusal) throw refusal;
  if (request.attempt > latestAttempt(current)) {
    throw new NodeRefusedError(`task ${task.id} has no attempt ${request.attempt}`);
  }
}

/** The first attempt from `next` on that is asked for. Of very many the task does not list all; the node may have more. */
function findAttempt(task: Task, { attempt }: ReadLogsRequest, next: number): number | undefined {
  if (attempt > 0) return next === attempt && attempt <= latestAttempt(task) ? attempt : undefined;
  return task.attempts.find(({ number }) => number >= next)?.number;
}

/** Nothing more will come. */
function isOver(task: Task, { attempt }: ReadLogsRequest): boolean {
  return task.state === TaskState.ENDED || (attempt > 0 && latestAttempt(task) >= attempt);
}

function logRequest(request: ReadLogsRequest, attempt: number, from: LogStart): LogRequest {
  const { source, follow, since, until, inTimeOrder: times, interactive } = request;
  const { stdoutOffset, stderrOffset, tailLines } = from;
  return { attempt, source, stdoutOffset, stderrOffset, tailLines, follow, since, until, times, interactive };
}

function caughtUpOf({ id: taskId, node }: Task, attempt: number): LogChunk {
  return create(LogChunkSchema, { taskId, node, attempt, caughtUp: true });
}
