/** Waiting for a task's first attempt. */
import type { Dispatch } from '#controller/dispatch/dispatch.ts';
import { type Task, TaskState } from '#protocol/gen/drover/v1/task_pb.ts';
import type { ApiParts } from './api-parts.ts';

/** The task once it has an attempt or has ended without one. @throws the reason of `signal` */
export async function untilStarted(
  dispatch: Dispatch,
  reader: Pick<ApiParts['store']['read'], 'getTasks'>,
  task: Task,
  signal: AbortSignal,
): Promise<Task> {
  const started = ({ attempts, state }: Task) => attempts.length > 0 || state === TaskState.ENDED;
  if (started(task)) return task;
  const { promise, resolve, reject } = Promise.withResolvers<Task>();
  using _ = dispatch.onTaskChange((changed) => {
    if (changed.id === task.id && started(changed)) resolve(changed);
  });
  const onAbort = () => reject(signal.reason);
  signal.addEventListener('abort', onAbort);
  try {
    signal.throwIfAborted();
    const [now = task] = await reader.getTasks([task.id]);
    return started(now) ? now : await promise;
  } finally {
    signal.removeEventListener('abort', onAbort);
  }
}
