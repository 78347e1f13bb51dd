/** The way to the controller's end that an operator asked for: no new runs, tasks stopped if so wished, then stop. */

import { auditRecord } from '#controller/auth/audit-entry.ts';
import type { Operator } from '#controller/auth/authorize.ts';
import { NodeRefusedError } from '#controller/dispatch/dispatch.ts';
import { activeStates } from '#core/task-state.ts';
import type { ShutdownRequest } from '#protocol/gen/drover/v1/api_pb.ts';
import { Verb } from '#protocol/gen/drover/v1/options_pb.ts';
import { Cause, type Task, TaskState } from '#protocol/gen/drover/v1/task_pb.ts';
import type { TaskId } from '#protocol/ids.ts';
import type { ApiParts } from './api-parts.ts';

/** Longest wait for tasks to end where the caller does not say: three times the default grace. */
const stopTimeoutDefaultMs = 30_000;
/** Ids that the answer names. */
const namedMax = 100;

type Parts = Pick<ApiParts, 'store' | 'dispatch' | 'clock' | 'stopSwitch'>;

/**
 * Prepares the stop and returns the ids of tasks that had not ended, at most 100. The caller turns the switch.
 *
 * @throws the reason of `signal` when the caller goes away meanwhile: the stop is then called off.
 */
export async function prepareShutdown(
  parts: Parts,
  operator: Operator,
  { stopTasks, stopTimeoutMs }: ShutdownRequest,
  signal: AbortSignal,
): Promise<TaskId[]> {
  const { store, clock, stopSwitch } = parts;
  const timeoutMs = Number(stopTimeoutMs) || stopTimeoutDefaultMs;
  const record = auditRecord({
    atMs: clock.wallMs(),
    who: operator.name,
    verb: Verb.NODE_MANAGE,
    decision: 'allowed',
    request: { method: 'Shutdown', stopTasks, timeoutMs },
  });
  await store.transact((writer) => writer.insertAudit(record));
  stopSwitch.close();
  try {
    if (stopTasks) await stopAll(parts, timeoutMs, signal);
    signal.throwIfAborted();
    const left = await store.read.selectTasks({ states: activeStates });
    return left.slice(0, namedMax).map((task) => task.id);
  } catch (error) {
    stopSwitch.reopen();
    throw error;
  }
}

/** Orders every active task to stop and waits until those whose nodes took the order have ended, or for the time given. */
async function stopAll(
  { store, dispatch, clock }: Parts,
  timeoutMs: number,
  signal: AbortSignal,
): Promise<void> {
  const ended = new Set<TaskId>();
  const { promise, resolve } = Promise.withResolvers<void>();
  let awaited: ReadonlySet<TaskId> | undefined;
  const look = () => {
    if (awaited?.isSubsetOf(ended)) resolve();
  };
  using _listening = dispatch.onTaskChange((task) => {
    if (task.state === TaskState.ENDED) ended.add(task.id);
    look();
  });
  using _deadline = clock.schedule(timeoutMs, resolve);
  signal.addEventListener('abort', () => resolve(), { once: true });
  const abort = new AbortController();
  const tasks = await store.read.selectTasks({ states: activeStates });
  const ordered = Promise.all(
    tasks.map((task) => order(dispatch, task, AbortSignal.any([signal, abort.signal]))),
  );
  ordered.then((taken) => {
    awaited = new Set(taken.flat());
    look();
  }, resolve);
  await promise;
  abort.abort();
  await ordered.catch(() => {});
}

/** The task's id in a list, or an empty one where its node did not take the order: its end cannot be waited for. */
async function order(dispatch: Parts['dispatch'], task: Task, signal: AbortSignal): Promise<TaskId[]> {
  try {
    await dispatch.stop(task, 0, Cause.SHUTDOWN, signal);
    return [task.id];
  } catch (error) {
    if (error instanceof NodeRefusedError) return [];
    throw error;
  }
}
