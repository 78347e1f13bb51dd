/**
 * Whether an agent's news of a task can be believed. Agents are hostile until proven: what an honest one never sends is refused
 * whole, so that nothing of it reaches the store or a reader. Pure.
 */
import type { Timestamp } from '@bufbuild/protobuf/wkt';
import { restartsMax } from '#core/restart-policy.ts';
import { attemptStates } from '#core/task-state.ts';
import type { Event } from '#protocol/gen/drover/v1/link_pb.ts';
import { type Attempt, Cause, type Outcome, type Task, TaskState } from '#protocol/gen/drover/v1/task_pb.ts';
import type { NodeName } from '#protocol/ids.ts';
import { limits } from '#protocol/limits.ts';

/** What an attempt can end with; the other outcomes are of tasks, and the controller's. */
const attemptOutcomes: readonly Outcome['kind']['case'][] = ['exited', 'signaled', 'notStarted', 'unknown'];

/** Processes that a list of them names at the most. */
const processesMax = 64;

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
  if (!attemptStates.includes(attempt.state)) return `an attempt cannot be in state ${attempt.state}`;
  for (const [what, list] of [
    ['leftovers', attempt.leftovers],
    ['survivors', attempt.survivors],
  ] as const) {
    if (list.length > processesMax) return `it lists ${list.length} ${what}`;
  }
  if (![attempt.stateAt, attempt.startedAt, attempt.endedAt, attempt.restartAt].every(isSayable)) {
    return 'a time in it is out of range';
  }
  return refuseRestart(attempt, task) ?? refuseOutcome(attempt);
}

/**
 * The numbers of a task's attempts have gaps, since an agent that was away keeps only some of many: so one may be as far
 * ahead as the policy allows restarts, and no further. It need not follow the latest known: numbers decide no more than which
 * attempt of its own task on its own node an agent speaks of, and of however many only limits.taskAttemptsMax are kept.
 */
function refuseRestart({ number, state, restartAt, restartCalledOff }: Attempt, task: Task) {
  const numberMax = 1 + restartsMax(task.spec?.restart);
  if (number < 1 || number > numberMax) return `there is no attempt ${number} of at most ${numberMax}`;
  if (!restartAt && restartCalledOff === Cause.UNSPECIFIED) return undefined;
  if (state !== TaskState.ENDED) return 'it tells of a restart before the attempt has ended';
  if (restartAt && restartCalledOff !== Cause.UNSPECIFIED) return 'its restart is called off and to come';
  return number < numberMax
    ? undefined
    : `attempt ${number} of at most ${numberMax} is not followed by another`;
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
