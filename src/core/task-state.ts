/**
 * The states of a task and of an attempt, and the only ways between them. Decides; records nothing.
 *
 *                 ┌──────────────┬───────────────┬───────────────┐  a later attempt: through waiting,
 *                 ▼              ▼               ▼               │  whether that was seen or not
 *   pending ─► starting ─────► running ─────► stopping ─────► waiting
 *      │          │              │               │               │
 *      └──────────┴──────────────┴───────────────┴───────────────┴──► ended
 *
 * Only forward, and as many steps at once as were not seen: a report is a snapshot, and those before it may be lost. An
 * attempt is never pending and never waits; what waits is the task, between two of its attempts. What has ended stays so.
 */
import { TaskState } from '#protocol/gen/drover/v1/task_pb.ts';

const { PENDING, STARTING, RUNNING, STOPPING, WAITING, ENDED } = TaskState;

/** The states of an attempt, in order. */
export const attemptStates: readonly TaskState[] = [STARTING, RUNNING, STOPPING, ENDED];

/** Every state of a task that means "not over", in order. */
export const activeStates: readonly TaskState[] = [PENDING, STARTING, RUNNING, STOPPING, WAITING];

/** Where a task can go from each state; an attempt as well, among the states that it has. */
const transitions: Readonly<Record<TaskState, readonly TaskState[]>> = {
  [TaskState.UNSPECIFIED]: [],
  [PENDING]: [STARTING, RUNNING, STOPPING, WAITING, ENDED],
  [STARTING]: [RUNNING, STOPPING, WAITING, ENDED],
  [RUNNING]: [STOPPING, WAITING, ENDED],
  [STOPPING]: [WAITING, ENDED],
  [WAITING]: [STARTING, RUNNING, STOPPING, ENDED],
  [ENDED]: [],
};

/** Whether a task may go from one state to another. */
export function taskCanAdvance(from: TaskState, to: TaskState): boolean {
  return transitions[from]?.includes(to) ?? false;
}

/** Whether an attempt may go from one state to another. */
export function attemptCanAdvance(from: TaskState, to: TaskState): boolean {
  return attemptStates.includes(from) && attemptStates.includes(to) && taskCanAdvance(from, to);
}

/** Whether a task may go from a state of one attempt to a state of a later one: it waited in between. */
export function taskCanRestart(from: TaskState, to: TaskState): boolean {
  return (
    (from === WAITING || taskCanAdvance(from, WAITING)) && (to === WAITING || taskCanAdvance(WAITING, to))
  );
}

const words: Readonly<Record<TaskState, string>> = {
  [TaskState.UNSPECIFIED]: 'unspecified',
  [PENDING]: 'pending',
  [STARTING]: 'starting',
  [RUNNING]: 'running',
  [STOPPING]: 'stopping',
  [WAITING]: 'waiting',
  [ENDED]: 'ended',
};

/** The state's word, as people read it. */
export function stateWord(state: TaskState): string {
  return words[state] ?? String(state);
}
