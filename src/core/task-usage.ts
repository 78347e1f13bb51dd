/**
 * What a task has used in all: its attempts added up, and what runs of it now. Pure.
 *
 * Two witnesses tell of an attempt: wait4(2) of the leader and of what it waited for, and the cgroup, where there is one
 * that counts, of everything. The cgroup sees more, so where both tell, the larger number is the truth.
 */
import { type Timestamp, timestampMs } from '@bufbuild/protobuf/wkt';
import {
  type Attempt,
  type ResourceUsage,
  type Task,
  type TaskSample,
  TaskState,
} from '#protocol/gen/drover/v1/task_pb.ts';

/** Sums over attempts, and maxima where a sum would mean nothing. */
export interface UsageTotal {
  /** It runs: `memoryBytes` is as of now, and what only an end tells of this attempt is not in. */
  readonly live: boolean;
  /** CPU time of everything, microseconds. */
  readonly cpuUs: bigint;
  readonly userUs: bigint;
  readonly systemUs: bigint;
  /** Most memory at once of any attempt; of one that runs, what it has now. Of the cgroup, where it counts. */
  readonly memoryBytes: bigint;
  /** Largest resident set of any one process; 0 while nothing has ended. */
  readonly maxRssBytes: bigint;
  readonly minorFaults: bigint;
  readonly majorFaults: bigint;
  readonly blockInputs: bigint;
  readonly blockOutputs: bigint;
  readonly voluntarySwitches: bigint;
  readonly involuntarySwitches: bigint;
  /** Bytes printed, both outputs. */
  readonly outputBytes: bigint;
  /** Processes that were killed for want of memory. */
  readonly oomKills: number;
  /** How long its attempts ran, milliseconds. */
  readonly ranMs: number;
}

/** Bytes that one block of getrusage(2) is on Linux. */
export const blockBytes = 512n;

const nothing: UsageTotal = {
  live: false,
  cpuUs: 0n,
  userUs: 0n,
  systemUs: 0n,
  memoryBytes: 0n,
  maxRssBytes: 0n,
  minorFaults: 0n,
  majorFaults: 0n,
  blockInputs: 0n,
  blockOutputs: 0n,
  voluntarySwitches: 0n,
  involuntarySwitches: 0n,
  outputBytes: 0n,
  oomKills: 0,
  ranMs: 0,
};

/**
 * The total of a task.
 *
 * @param sample of what runs of it, taken no earlier than `task` was read; undefined where nothing runs, or its node could not
 *   be asked.
 * @returns undefined where nothing is known: no attempt has told its usage, and there is no sample.
 */
export function totalUsage(task: Task, sample?: TaskSample): UsageTotal | undefined {
  const over = sample ? task.attempts.filter(({ state }) => state === TaskState.ENDED) : task.attempts;
  const parts = over.flatMap((attempt) => usageOfAttempt(attempt) ?? []);
  if (!sample) return parts.length === 0 ? undefined : parts.reduce(addUsage);
  const now = usageOfSample(sample, task.attempts.at(-1));
  return { ...parts.reduce(addUsage, now), memoryBytes: now.memoryBytes };
}

/** Two attempts of a task as one: sums, and of memory the larger, since they ran one after the other. */
export function addUsage(a: UsageTotal, b: UsageTotal): UsageTotal {
  return {
    live: a.live || b.live,
    cpuUs: a.cpuUs + b.cpuUs,
    userUs: a.userUs + b.userUs,
    systemUs: a.systemUs + b.systemUs,
    memoryBytes: larger(a.memoryBytes, b.memoryBytes),
    maxRssBytes: larger(a.maxRssBytes, b.maxRssBytes),
    minorFaults: a.minorFaults + b.minorFaults,
    majorFaults: a.majorFaults + b.majorFaults,
    blockInputs: a.blockInputs + b.blockInputs,
    blockOutputs: a.blockOutputs + b.blockOutputs,
    voluntarySwitches: a.voluntarySwitches + b.voluntarySwitches,
    involuntarySwitches: a.involuntarySwitches + b.involuntarySwitches,
    outputBytes: a.outputBytes + b.outputBytes,
    oomKills: a.oomKills + b.oomKills,
    ranMs: a.ranMs + b.ranMs,
  };
}

/** What an attempt has used; undefined before its leader has ended, and where no process ever ran. */
export function usageOfAttempt({
  usage,
  groupUsage,
  startedAt,
  endedAt,
  ...attempt
}: Attempt): UsageTotal | undefined {
  if (!usage && !groupUsage) return undefined;
  const waitedFor = usage ? usage.userUs + usage.systemUs : 0n;
  const { maxRssBytes = 0n } = usage ?? {};
  return {
    ...nothing,
    ...(usage ? pick(usage) : {}),
    cpuUs: larger(waitedFor, groupUsage?.cpuUs ?? 0n),
    memoryBytes: groupUsage?.memoryPeakBytes || maxRssBytes,
    outputBytes: attempt.stdoutBytes + attempt.stderrBytes,
    oomKills: groupUsage?.oomKills ?? 0,
    ranMs: millisBetween(startedAt, endedAt) ?? 0,
  };
}

/** Memory that a task has now, bytes: of its cgroup, where that counts. */
export function sampledMemory({ groupMemoryBytes, rssBytes }: TaskSample): bigint {
  return groupMemoryBytes || rssBytes;
}

/** Milliseconds between two times of one clock, never below 0; undefined where one of them is not known. */
export function millisBetween(from: Timestamp | undefined, to: Timestamp | undefined): number | undefined {
  return from && to ? Math.max(timestampMs(to) - timestampMs(from), 0) : undefined;
}

/** By the node's clock only, so that this machine's does not matter. */
function usageOfSample(sample: TaskSample, attempt: Attempt | undefined): UsageTotal {
  const { userUs, systemUs, outputBytes } = sample;
  return {
    ...nothing,
    live: true,
    cpuUs: userUs + systemUs,
    userUs,
    systemUs,
    memoryBytes: sampledMemory(sample),
    outputBytes,
    ranMs: millisBetween(attempt?.startedAt, sample.sampledAt) ?? 0,
  };
}

function pick({ $typeName: _, $unknown: __, ...figures }: ResourceUsage) {
  return figures;
}

function larger(a: bigint, b: bigint): bigint {
  return a > b ? a : b;
}
