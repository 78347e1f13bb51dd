/** A task as its row, and back. */
import { create } from '@bufbuild/protobuf';
import { timestampFromMs } from '@bufbuild/protobuf/wkt';
import { type Ending, endingOf } from '#core/outcome.ts';
import {
  AttemptSchema,
  OutcomeSchema,
  type Task,
  TaskSchema,
  type TaskSpec,
  TaskState,
} from '#protocol/gen/drover/v1/task_pb.ts';
import { decodeMessages, decodeOptional, encodeMessages, encodeOptional } from './json-columns.ts';
import type { TasksTable } from './schema.ts';

/** The columns that change in a task's life. */
export type TaskProgress = Pick<
  TasksTable,
  'state' | 'reason' | 'attempts' | 'outcome' | 'cause' | 'ending' | 'pid'
>;

/** The changing columns of a task. */
export function encodeProgress(task: Task): TaskProgress {
  return {
    state: task.state,
    reason: task.reason,
    attempts: encodeMessages(AttemptSchema, task.attempts),
    outcome: encodeOptional(OutcomeSchema, task.outcome),
    cause: task.cause,
    ending: taskEnding(task),
    pid: activePid(task),
  };
}

/** The task of a row; `run` is that of `row.run`. */
export function decodeTask(
  row: TasksTable,
  run: { readonly id: string; readonly spec: TaskSpec },
  ownSpec: TaskSpec | undefined,
): Task {
  const outcome = decodeOptional(OutcomeSchema, row.outcome);
  const task = create(TaskSchema, {
    id: row.id,
    runId: run.id,
    node: row.node,
    state: row.state,
    reason: row.reason,
    createdAt: timestampFromMs(row.created_at),
    attempts: decodeMessages(AttemptSchema, row.attempts),
    ...(outcome ? { outcome } : {}),
    cause: row.cause,
  });
  task.spec = ownSpec ?? run.spec;
  return task;
}

function taskEnding(task: Task): Ending | null {
  if (task.state !== TaskState.ENDED) return null;
  return task.outcome ? endingOf(task.outcome) : 'unknown';
}

function activePid(task: Task): number | null {
  if (task.state === TaskState.ENDED || task.state === TaskState.WAITING) return null;
  const latest = task.attempts.reduce((a, b) => (b.number > a.number ? b : a), task.attempts[0] ?? none);
  return latest.pid === 0 ? null : latest.pid;
}

const none = create(AttemptSchema);
