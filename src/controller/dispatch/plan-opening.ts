/**
 * What a new session means for the tasks of its node, out of what the store says of them and what the agent holds. Pure.
 *
 *   store says   agent holds it   it does not
 *   pending      nothing: its     WAIT: send · FAIL: send unless the node was unreachable meanwhile, or the task is
 *                events will come of long ago: then it ended unreachable, certain now that it never started
 *                                 of a paced run: not before its turn, and then however long ago the run was created
 *                                 a drained node is sent nothing: what would be sent is skipped
 *   active       nothing          leave it and say so: only the agent can tell what became of it
 */
import { timestampMs } from '@bufbuild/protobuf/wkt';
import { WhenUnreachable } from '#protocol/gen/drover/v1/api_pb.ts';
import { type Task, TaskState } from '#protocol/gen/drover/v1/task_pb.ts';
import type { RunId, TaskId } from '#protocol/ids.ts';
import { isForReturn, isHeld } from './pending-reason.ts';

/** What is known when an agent comes in. */
export interface OpeningFacts {
  /** Tasks of the node that have not ended. */
  readonly tasks: readonly Task[];
  /** What its journal holds. */
  readonly held: ReadonlySet<string>;
  /** Starts that an earlier session of this node took with it, as far as this process sent them. */
  readonly cut: ReadonlySet<TaskId>;
  /** The node was away for so long that nobody expected it back. */
  readonly wasUnreachable: boolean;
  readonly whenUnreachable: (run: RunId) => WhenUnreachable;
  /** The node takes no new tasks. */
  readonly isDrained: boolean;
  /** Whether the run starts its tasks as others end. */
  readonly isPaced: (run: RunId) => boolean;
  /** Start of this controller process, wall clock, milliseconds. */
  readonly startedAtMs: number;
  /** Wall clock, milliseconds. */
  readonly nowMs: number;
}

/** What is to be done. */
export interface OpeningPlan {
  readonly send: readonly Task[];
  readonly skipped: readonly Task[];
  readonly unreachable: readonly Task[];
  readonly missing: readonly Task[];
}

/**
 * A task that was to fail where its node is away, and that an earlier controller process left pending, is still sent when it is
 * so young: its operator may be waiting through the restart (milliseconds). Later nobody expects it to start.
 */
export const orphanLaunchMaxMs = 60_000;

/** Decides for one session. */
export function planOpening(facts: OpeningFacts): OpeningPlan {
  const absent = facts.tasks.filter((task) => !facts.held.has(task.id));
  const isDue = (task: Task) => !(facts.isPaced(task.runId) && isHeld(task));
  const pending = absent.filter((task) => task.state === TaskState.PENDING && isDue(task));
  const due = pending.filter((task) => maySend(task, facts));
  return {
    send: facts.isDrained ? [] : due,
    skipped: facts.isDrained ? due : [],
    unreachable: pending.filter((task) => !maySend(task, facts)),
    missing: absent.filter((task) => task.state !== TaskState.PENDING),
  };
}

function maySend(
  task: Task,
  { cut, wasUnreachable, whenUnreachable, isPaced, startedAtMs, nowMs }: OpeningFacts,
): boolean {
  if (whenUnreachable(task.runId) === WhenUnreachable.WAIT) return true;
  // One that is neither was launched while the node comes in.
  if (wasUnreachable && (cut.has(task.id) || isForReturn(task))) return false;
  if (isPaced(task.runId)) return true;
  const createdAtMs = task.createdAt ? timestampMs(task.createdAt) : 0;
  return createdAtMs >= startedAtMs || nowMs - createdAtMs < orphanLaunchMaxMs;
}
