/** How tasks look in tables. */
import { type Timestamp, timestampMs } from '@bufbuild/protobuf/wkt';
import { describeEnd } from '#core/outcome.ts';
import { stateWord } from '#core/task-state.ts';
import {
  type Attempt,
  Cause,
  Freshness,
  type Task,
  type TaskSpec,
  TaskState,
} from '#protocol/gen/drover/v1/task_pb.ts';
import { formatDuration } from './output/format-duration.ts';
import { showTime } from './output/format-time.ts';
import { quoteWord } from './output/quote-word.ts';
import type { Column } from './output/table.ts';

/** The columns of `drover ps`; `nowMs` is the wall clock's. */
export function taskColumns(nowMs: number): Column<Task>[] {
  return [
    { header: 'TASK', value: (task) => task.id },
    { header: 'NODE', value: (task) => task.node },
    { header: 'STATE', value: describeState },
    { header: 'PID', value: (task) => pidOf(task), right: true },
    { header: 'TIME', value: (task) => ranFor(task, nowMs), right: true },
    { header: 'OUTCOME', value: (task) => describeTaskEnd(task, nowMs) || '-' },
    { header: 'COMMAND', value: (task) => showCommand(task.spec) },
  ];
}

/** Those of its wide form. */
export function wideTaskColumns(nowMs: number): Column<Task>[] {
  const columns = taskColumns(nowMs);
  const wide: Column<Task>[] = [
    { header: 'RESTARTS', value: (task) => String(restartsOf(task)), right: true },
    { header: 'REASON', value: (task) => task.reason || '-' },
    { header: 'RUN', value: (task) => task.runId },
    { header: 'USER', value: (task) => task.spec?.user || '-' },
    { header: 'CREATED', value: (task) => showTime(task.createdAt) },
  ];
  return [...columns.slice(0, -1), ...wide, ...columns.slice(-1)];
}

/** The latest attempt; undefined where there was none. */
export function latestAttempt(task: Task): Attempt | undefined {
  return task.attempts.at(-1);
}

/** How often it was started again. */
export function restartsOf(task: Task): number {
  return Math.max((latestAttempt(task)?.number ?? 0) - 1, 0);
}

/** How it ended; of one that waits how its latest attempt did, and when the next one comes. Empty where it runs. */
export function describeTaskEnd(task: Task, nowMs: number): string {
  if (task.outcome) return describeEnd(task.outcome, task.cause);
  const { outcome, cause, restartAt } = latestAttempt(task) ?? {};
  if (task.state !== TaskState.WAITING || !outcome || !restartAt) return '';
  return `${describeEnd(outcome, cause ?? Cause.UNSPECIFIED)}, next in ${timeUntil(restartAt, nowMs)}`;
}

/** How long it is until then, never below none. */
export function timeUntil(then: Timestamp, nowMs: number): string {
  return formatDuration(Math.max(timestampMs(then) - nowMs, 0));
}

/** State in a word, and how fresh that is. */
export function describeState(task: Task): string {
  const word = stateWord(task.state);
  if (task.freshness === Freshness.STALE) return `${word}, stale`;
  if (task.freshness === Freshness.LOST) return `${word}, lost since ${showTime(task.nodeSeenAt)}`;
  return word;
}

/** The command as a person would type it: words with spaces or quotes in them are quoted. */
export function showCommand(spec: TaskSpec | undefined): string {
  if (!spec) return '';
  if (spec.shell) return spec.argv.at(-1) ?? '';
  return spec.argv.map(quoteWord).join(' ');
}

function pidOf(task: Task): string {
  return String(latestAttempt(task)?.pid || '-');
}

/** How long the latest attempt has been running, or ran; "-" before that. */
export function ranFor(task: Task, nowMs: number): string {
  const { startedAt, endedAt } = latestAttempt(task) ?? {};
  if (!startedAt) return '-';
  return formatDuration((endedAt ? timestampMs(endedAt) : nowMs) - timestampMs(startedAt));
}
