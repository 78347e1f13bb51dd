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

/**
 * Sums over attempts, and maxima where a sum would mean nothing. What wait4(2) tells is undefined where it is not known of one of
 * them: of one that runs its end tells most of it, and of one whose monitor was killed perhaps only the status was found out.
 */
export interface UsageTotal {
  /** CPU time of everything, microseconds. */
  readonly cpuUs: bigint | undefined;
  readonly userUs: bigint | undefined;
  readonly systemUs: bigint | undefined;
  /** Most memory at once of any attempt; of one that runs, what it has now. Of the cgroup, where it counts. */
  readonly memoryBytes: bigint | undefined;
  /** Largest resident set of any one process. */
  readonly maxRssBytes: bigint | undefined;
  readonly minorFaults: bigint | undefined;
  readonly majorFaults: bigint | undefined;
  readonly blockInputs: bigint | undefined;
  readonly blockOutputs: bigint | undefined;
  readonly voluntarySwitches: bigint | undefined;
  readonly involuntarySwitches: bigint | undefined;
  /** Bytes printed, both outputs. */
  readonly outputBytes: bigint;
  /** Processes that were killed for want of memory. */
  readonly oomKills: number;
  /** How long its attempts ran, milliseconds. */
  readonly ranMs: number;
}

/** Bytes that one block of getrusage(2) is on Linux. */
export const blockBytes = 512n;

const notKnown = {
  userUs: undefined,
  systemUs: undefined,
  maxRssBytes: undefined,
  minorFaults: undefined,
  majorFaults: undefined,
  blockInputs: undefined,
  blockOutputs: undefined,
  voluntarySwitches: undefined,
  involuntarySwitches: undefined,
} satisfies Partial<UsageTotal>;

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
    cpuUs: sum(a.cpuUs, b.cpuUs),
    userUs: sum(a.userUs, b.userUs),
    systemUs: sum(a.systemUs, b.systemUs),
    memoryBytes: larger(a.memoryBytes, b.memoryBytes),
    maxRssBytes: larger(a.maxRssBytes, b.maxRssBytes),
    minorFaults: sum(a.minorFaults, b.minorFaults),
    majorFaults: sum(a.majorFaults, b.majorFaults),
    blockInputs: sum(a.blockInputs, b.blockInputs),
    blockOutputs: sum(a.blockOutputs, b.blockOutputs),
    voluntarySwitches: sum(a.voluntarySwitches, b.voluntarySwitches),
    involuntarySwitches: sum(a.involuntarySwitches, b.involuntarySwitches),
    outputBytes: a.outputBytes + b.outputBytes,
    oomKills: a.oomKills + b.oomKills,
    ranMs: a.ranMs + b.ranMs,
  };
}

/** What an attempt has used; undefined before its leader has ended, and where no process ever ran. */
export function usageOfAttempt({
  state,
  usage,
  groupUsage,
  startedAt,
  endedAt,
  ...attempt
}: Attempt): UsageTotal | undefined {
  const hasRun = startedAt !== undefined && state === TaskState.ENDED;
  if (!usage && !groupUsage && !hasRun) return undefined;
  return {
    ...(usage ? pick(usage) : notKnown),
    // Of a cgroup that does not count, 0.
    cpuUs: usage
      ? larger(usage.userUs + usage.systemUs, groupUsage?.cpuUs ?? 0n)
      : groupUsage?.cpuUs || undefined,
    memoryBytes: groupUsage?.memoryPeakBytes || usage?.maxRssBytes,
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
    ...notKnown,
    cpuUs: userUs + systemUs,
    userUs,
    systemUs,
    memoryBytes: sampledMemory(sample),
    outputBytes,
    oomKills: 0,
    ranMs: millisBetween(attempt?.startedAt, sample.sampledAt) ?? 0,
  };
}

function pick({ $typeName: _, $unknown: __, ...figures }: ResourceUsage) {
  return figures;
}

/** Undefined where one of them is. */
export function sum(a: bigint | undefined, b: bigint | undefined): bigint | undefined {
  return a === undefined || b === undefined ? undefined : a + b;
}

function larger(a: bigint | undefined, b: bigint | undefined): bigint | undefined {
  if (a === undefined || b === undefined) return undefined;
  return a > b ? a : b;
}
