/** Waits for what becomes of a task. */
import { type Task, TaskState } from '#protocol/gen/drover/v1/task_pb.ts';
import type { ApiParts } from './api-parts.ts';
import { isOlder } from './task-progress.ts';

/**
 * The task as soon as `holds` of it; `task` itself where it does already.
 *
 * @throws the reason of `signal`; StoreError.
 */
export async function untilTask(
  { store, dispatch }: Pick<ApiParts, 'store' | 'dispatch'>,
  task: Task,
  holds: (task: Task) => boolean,
  signal: AbortSignal,
): Promise<Task> {
  if (holds(task)) return task;
  const { promise, resolve, reject } = Promise.withResolvers<Task>();
  // Listened to before the store is asked, so that no change falls between.
  using _listening = dispatch.onTaskChange((changed) => {
    if (changed.id === task.id && holds(changed)) resolve(changed);
  });
  const onAbort = () => reject(signal.reason);
  signal.addEventListener('abort', onAbort);
  try {
    signal.throwIfAborted();
    const [now = task] = await store.read.getTasks([task.id]);
    return !isOlder(now, task) && holds(now) ? now : await promise;
  } finally {
    signal.removeEventListener('abort', onAbort);
  }
}

/** Whether a task has an attempt, or has ended without one. */
export function hasStarted({ attempts, state }: Task): boolean {
  return attempts.length > 0 || state === TaskState.ENDED;
}
