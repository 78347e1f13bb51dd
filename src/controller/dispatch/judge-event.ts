/**
 * Whether an agent's news of a task can be believed. Agents are hostile until proven: what an honest one never sends is refused
 * whole, so that nothing of it reaches the store or a reader. Pure.
 */
import type { Timestamp } from '@bufbuild/protobuf/wkt';
import type { Event } from '#protocol/gen/drover/v1/link_pb.ts';
import { type Attempt, type Outcome, type Task, TaskState } from '#protocol/gen/drover/v1/task_pb.ts';
import type { NodeName } from '#protocol/ids.ts';
import { limits } from '#protocol/limits.ts';

const attemptStates: readonly TaskState[] = [
  TaskState.STARTING,
  TaskState.RUNNING,
  TaskState.STOPPING,
  TaskState.ENDED,
];

/** What an attempt can end with; the other outcomes are of tasks, and the controller's. */
const attemptOutcomes: readonly Outcome['kind']['case'][] = ['exited', 'signaled', 'notStarted', 'unknown'];

const leftoversMax = 64;

/** The years 1 to 9999, which is what a timestamp's JSON can say. */
const secondsMin = -62_135_596_800n;
const secondsMax = 253_402_300_799n;

/** Why `event` of `node` about `task` (undefined: there is none) is refused; undefined where it is good. */
export function refuseEvent(
  event: Event,
  bytes: number,
  node: NodeName,
  task: Task | undefined,
): string | undefined {
  if (bytes > limits.eventBytesMax) return `it has ${bytes} bytes, over ${limits.eventBytesMax}`;
  if (!task) return 'there is no such task';
  if (task.node !== node) return `the task is of node ${task.node}`;
  if (!event.attempt) return 'it tells of no attempt';
  return refuseAttempt(event.attempt, task);
}

function refuseAttempt(attempt: Attempt, task: Task): string | undefined {
  const latest = Math.max(0, ...task.attempts.map((known) => known.number));
  if (attempt.number < 1 || attempt.number > latest + 1) {
    return `attempt ${attempt.number} does not follow attempt ${latest}`;
  }
  if (!attemptStates.includes(attempt.state)) return `an attempt cannot be in state ${attempt.state}`;
  if (attempt.leftovers.length > leftoversMax) return `it lists ${attempt.leftovers.length} leftovers`;
  if (![attempt.stateAt, attempt.startedAt, attempt.endedAt].every(isSayable)) {
    return 'a time in it is out of range';
  }
  return refuseOutcome(attempt);
}

function refuseOutcome({ state, outcome }: Attempt): string | undefined {
  if (!outcome) return state === TaskState.ENDED ? 'the attempt ended without an outcome' : undefined;
  const { kind } = outcome;
  if (!attemptOutcomes.includes(kind.case))
    return `an attempt cannot end ${kind.case ?? 'in an unknown way'}`;
  if (kind.case === 'exited' && (kind.value.code < 0 || kind.value.code > 255)) {
    return `there is no exit code ${kind.value.code}`;
  }
  return undefined;
}

/** Whether JSON can say this time; true where there is none. */
export function isSayable(time: Timestamp | undefined): boolean {
  if (!time) return true;
  return time.seconds >= secondsMin && time.seconds <= secondsMax && time.nanos >= 0 && time.nanos < 1e9;
}
