/**
 * The states of a task and of an attempt, and the only ways between them. Decides; records nothing.
 *
 *   pending → starting → running → stopping → ended
 *      │         ↑ │         │         │        ↑
 *      │         │ └─────────┴─────────┴────────┤   (an attempt may skip what was never seen of it)
 *      │         └──────────waiting ←───────────┘   (tasks only: between two attempts)
 *      └────────────────────────────────────────┘   (a task that was never sent)
 */
import { TaskState } from '#protocol/gen/drover/v1/task_pb.ts';

const { PENDING, STARTING, RUNNING, STOPPING, WAITING, ENDED } = TaskState;

/** Where an attempt can go from each state: only forward. It is never pending nor waiting. */
const attemptTransitions: Readonly<Partial<Record<TaskState, readonly TaskState[]>>> = {
  [STARTING]: [RUNNING, STOPPING, ENDED],
  [RUNNING]: [STOPPING, ENDED],
  [STOPPING]: [ENDED],
  [ENDED]: [],
};

/** Where a task can go from each state. */
const taskTransitions: Readonly<Record<TaskState, readonly TaskState[]>> = {
  [TaskState.UNSPECIFIED]: [],
  [PENDING]: [STARTING, RUNNING, STOPPING, ENDED],
  [STARTING]: [RUNNING, STOPPING, WAITING, ENDED],
  [RUNNING]: [STOPPING, WAITING, ENDED],
  [STOPPING]: [WAITING, ENDED],
  [WAITING]: [STARTING, RUNNING, STOPPING, ENDED],
  [ENDED]: [],
};

/** Whether an attempt may go from one state to another. */
export function attemptCanAdvance(from: TaskState, to: TaskState): boolean {
  return attemptTransitions[from]?.includes(to) ?? false;
}

/** Whether a task may go from one state to another. */
export function taskCanAdvance(from: TaskState, to: TaskState): boolean {
  return taskTransitions[from]?.includes(to) ?? false;
}

/** Every state that means "not over", in order. */
export const activeStates: readonly TaskState[] = [PENDING, STARTING, RUNNING, STOPPING, WAITING];

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
