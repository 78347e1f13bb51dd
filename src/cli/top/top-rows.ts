/** From samples to rows: what each task uses now, and how fast. Pure. */
import { compareNames } from '#core/node-set/compare-names.ts';
import { millisBetween, sampledMemory } from '#core/task-usage.ts';
import type { SampleTasksResponse } from '#protocol/gen/drover/v1/api_pb.ts';
import type { Task, TaskSample } from '#protocol/gen/drover/v1/task_pb.ts';

/** A task that has not ended. */
export interface TopRow {
  readonly task: Task;
  /** What it uses; undefined where nothing of it runs, or its node could not be asked. */
  readonly sample: TaskSample | undefined;
  /** CPUs that it keeps busy, between its last two samples; undefined before the second. */
  readonly share: number | undefined;
}

/** What rows can be sorted by. */
export const sortKeys = ['cpu', 'memory', 'processes', 'time', 'node', 'output'] as const;

/** One of them. */
export type SortKey = (typeof sortKeys)[number];

/** Rows by the ids of their tasks. */
export type TopRows = ReadonlyMap<string, TopRow>;

/** The rows after an answer: only tasks that are in it. */
export function nextRows(previous: TopRows, { tasks, samples }: SampleTasksResponse): TopRows {
  const byTask = new Map(samples.map((sample) => [sample.taskId, sample]));
  return new Map(
    tasks.map((task) => {
      const sample = byTask.get(task.id);
      return [task.id, { task, sample, share: sample && shareOf(previous.get(task.id), task, sample) }];
    }),
  );
}

/** How long it has been running, milliseconds, by its node's clock; undefined where it does not. */
export function runningMs({ task, sample }: TopRow): number | undefined {
  return millisBetween(task.attempts.at(-1)?.startedAt, sample?.sampledAt);
}

/** The rows in order: the most first, names from the first on; among equals by node, then by id. */
export function sortRows(rows: readonly TopRow[], key: SortKey, reversed: boolean): TopRow[] {
  const sign = reversed ? -1 : 1;
  const byName = (a: TopRow, b: TopRow) => compareNames(a.task.node, b.task.node);
  const compare = key === 'node' ? byName : (a: TopRow, b: TopRow) => amounts[key](b) - amounts[key](a);
  return rows.toSorted((a, b) => sign * compare(a, b) || byName(a, b) || compareNames(a.task.id, b.task.id));
}

const amounts: Readonly<Record<Exclude<SortKey, 'node'>, (row: TopRow) => number>> = {
  cpu: ({ share }) => share ?? -1,
  memory: ({ sample }) => (sample ? Number(sampledMemory(sample)) : -1),
  processes: ({ sample }) => sample?.processes ?? -1,
  time: (row) => runningMs(row) ?? -1,
  output: ({ sample }) => (sample ? Number(sample.outputBytes) : -1),
};

/** By the node's clock; of the same attempt only. Time that processes took with them when they went counts as none. */
function shareOf(previous: TopRow | undefined, task: Task, sample: TaskSample): number | undefined {
  if (!previous?.sample || attemptOf(previous.task) !== attemptOf(task)) return undefined;
  const ms = millisBetween(previous.sample.sampledAt, sample.sampledAt) ?? 0;
  if (ms === 0) return previous.share;
  const cpuUs = sample.userUs + sample.systemUs - previous.sample.userUs - previous.sample.systemUs;
  return Math.max(Number(cpuUs), 0) / 1000 / ms;
}

function attemptOf(task: Task): number | undefined {
  return task.attempts.at(-1)?.number;
}
