/**
 * The end of a local cluster begins with the tasks of its own nodes: has them stopped, waits for it, says what is left, and
 * shuts the controller down. Nodes that joined from elsewhere are not ours to empty: their tasks go on.
 */
import type { Clock } from '#base/clock.ts';
import { callTimeoutMs } from '#cli/call-options.ts';
import { CommandError } from '#cli/command-error.ts';
import type { Connection } from '#cli/connect-cluster.ts';
import { followIds } from '#cli/follow/follow-ids.ts';
import { listTasks } from '#cli/list-tasks.ts';
import { exitCodes } from '#core/exit-code.ts';
import { foldNodeNames } from '#core/node-set/fold-node-names.ts';
import { activeStates } from '#core/task-state.ts';
import type { Task } from '#protocol/gen/drover/v1/task_pb.ts';

/** Longest wait for tasks to end, milliseconds: three times the usual grace. */
const stopTimeoutMs = 30_000;

/** What stopping needs. */
export interface StopOptions {
  /** Names of the nodes that this machine started, at least one. */
  readonly nodes: readonly string[];
  /** Tasks are left running. */
  readonly keep: boolean;
  readonly clock: Clock;
  readonly notify: (text: string) => void;
  /** Ends the waiting. */
  readonly abort: AbortSignal;
}

/**
 * Stops the tasks of `nodes` and then the controller; with `keep` only counts them.
 *
 * @throws what the API refuses with, CommandError when it is out of reach for long, the reason of `abort`.
 */
export async function stopTasks(connection: Connection, options: StopOptions): Promise<void> {
  const { nodes, keep, notify, abort } = options;
  const call = { signal: abort, timeoutMs: callTimeoutMs };
  const active = await listTasks(connection, { states: [...activeStates] }, call);
  const own = new Set(nodes);
  const ours = active.filter((task) => own.has(task.node));
  const others = active.filter((task) => !own.has(task.node));
  if (keep) {
    if (ours.length > 0)
      notify(`leaving ${count(ours.length)} running: drover up finds ${them(ours.length)} again`);
  } else if (ours.length > 0) {
    notify(`stopping ${count(ours.length)} …`);
    await stopOurs(connection, options);
  }
  if (others.length > 0) notify(`${describe(others)} ${others.length === 1 ? 'goes' : 'go'} on`);
  if (!keep) await connection.cluster.shutdown({ stopTasks: false }, call);
}

async function stopOurs(connection: Connection, { nodes, clock, notify, abort }: StopOptions): Promise<void> {
  const call = { signal: abort, timeoutMs: callTimeoutMs };
  const set = foldNodeNames(nodes);
  const { results } = await connection.tasks.stopTasks({ query: { nodes: set }, shutdown: true }, call);
  const taken = results.filter(({ error }) => error === '').map(({ taskId }) => taskId);
  try {
    await followIds(connection, taken, { timeoutMs: stopTimeoutMs, leavesSurvivors: true, clock, abort });
  } catch (error) {
    if (!(error instanceof CommandError && error.exitCode === exitCodes.timedOut)) throw error;
  }
  const left = await listTasks(connection, { nodes: set, states: [...activeStates] }, call);
  if (left.length > 0)
    notify(`drover: ${describe(left)} did not end: ${left.map((task) => task.id).join(' ')}`);
}

function describe(tasks: readonly Task[]): string {
  return `${count(tasks.length)} on ${foldNodeNames(tasks.map((task) => task.node))}`;
}

function count(tasks: number): string {
  return tasks === 1 ? '1 task' : `${tasks} tasks`;
}

function them(tasks: number): string {
  return tasks === 1 ? 'it' : 'them';
}
