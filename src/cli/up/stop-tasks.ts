/** The end of a cluster begins with its tasks: asks the controller to stop them, and says what is left. */
import { type Connection, callTimeoutMs } from '#cli/connect-cluster.ts';
import { listTasks } from '#cli/list-tasks.ts';
import { activeStates } from '#core/task-state.ts';

/** Longest wait for tasks to end, milliseconds: three times the usual grace. */
const stopTimeoutMs = 30_000;

/** What stopping needs. */
export interface StopOptions {
  /** Tasks are left running. */
  readonly keep: boolean;
  readonly notify: (text: string) => void;
  /** Ends the waiting. */
  readonly abort: AbortSignal;
}

/**
 * Stops every task and then the controller, which takes no new ones from the beginning on; with `keep` only counts them.
 *
 * @throws what the API refuses with.
 */
export async function stopTasks(connection: Connection, { keep, notify, abort }: StopOptions): Promise<void> {
  const call = { signal: abort, timeoutMs: callTimeoutMs };
  const active = await listTasks(connection, { states: [...activeStates] }, call);
  if (keep) {
    if (active.length > 0)
      notify(`leaving ${count(active.length)} running: drover up finds ${them(active.length)} again`);
    return;
  }
  if (active.length > 0) notify(`stopping ${count(active.length)} …`);
  const { activeTasks } = await connection.cluster.shutdown(
    { stopTasks: true, stopTimeoutMs: BigInt(stopTimeoutMs) },
    { signal: abort, timeoutMs: stopTimeoutMs + callTimeoutMs },
  );
  if (activeTasks.length > 0)
    notify(`drover: ${count(activeTasks.length)} did not end: ${activeTasks.join(' ')}`);
}

function count(tasks: number): string {
  return tasks === 1 ? '1 task' : `${tasks} tasks`;
}

function them(tasks: number): string {
  return tasks === 1 ? 'it' : 'them';
}
