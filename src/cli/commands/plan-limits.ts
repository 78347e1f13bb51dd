/**
 * The values of --limit. Three limits are of the whole task, by cgroup; the others of each of its processes, as setrlimit(2)
 * has them. What is out of range is the API's to say. Pure.
 */
import type { MessageInitShape } from '@bufbuild/protobuf';
import { UsageError } from '#base/command-line.ts';
import { nearestWord } from '#base/nearest-word.ts';
import { parseSize } from '#base/parse-size.ts';
import type { ProcessResource } from '#core/process-limits.ts';
import type { ProcessLimitSchema, TaskLimitsSchema } from '#protocol/gen/drover/v1/task_pb.ts';

/** The fields of a specification that limits are. */
export interface LimitFields {
  readonly limits?: MessageInitShape<typeof TaskLimitsSchema>;
  readonly processLimits?: MessageInitShape<typeof ProcessLimitSchema>[];
}

type TaskLimitName = 'cpu' | 'memory' | 'processes';

/** RLIMIT_CPU goes by another name here: "cpu" is the share of the whole task. */
const cpuTime = 'cpu-time';

type ProcessLimitName = Exclude<ProcessResource, 'cpu'> | typeof cpuTime;

/** How the value of a process limit is written. */
type Measure = 'bytes' | 'count' | 'seconds' | 'microseconds';

const measures: Readonly<Record<ProcessLimitName, Measure>> = {
  nofile: 'count',
  nproc: 'count',
  core: 'bytes',
  [cpuTime]: 'seconds',
  as: 'bytes',
  data: 'bytes',
  stack: 'bytes',
  fsize: 'bytes',
  memlock: 'bytes',
  rss: 'bytes',
  locks: 'count',
  sigpending: 'count',
  msgqueue: 'bytes',
  nice: 'count',
  rtprio: 'count',
  rttime: 'microseconds',
};

const taskLimitNames: readonly TaskLimitName[] = ['cpu', 'memory', 'processes'];

/** Names of the limits of each process, the common ones first. */
export const processLimitNames = Object.keys(measures) as readonly ProcessLimitName[];

const wants: Readonly<Record<Measure, string>> = {
  bytes: 'not a size: give bytes, or 512m, 2g, or unlimited',
  count: 'not a number: give one such as 4096, or unlimited',
  seconds: 'not a number of seconds: give one such as 60, or unlimited',
  microseconds: 'not a number of microseconds: give one such as 200000, or unlimited',
};

/**
 * The limits that `values` ask for, each NAME=VALUE or several with commas between them.
 *
 * @throws UsageError that shows the value.
 */
export function planLimits(values: readonly string[]): LimitFields {
  const seen = new Set<string>();
  const limits: { cpuMillis?: number; memoryBytes?: bigint; processes?: number } = {};
  const processLimits: MessageInitShape<typeof ProcessLimitSchema>[] = [];
  for (const given of values.flatMap((value) => value.split(','))) {
    const { name, value } = splitLimit(given);
    if (seen.has(name)) throw refused(given, `${name} is given twice`);
    seen.add(name);
    if (name === 'cpu') limits.cpuMillis = parseCpu(given, value);
    else if (name === 'memory') limits.memoryBytes = parseMemory(given, value);
    else if (name === 'processes') limits.processes = parseProcesses(given, value);
    else processLimits.push(planProcessLimit(given, name, value));
  }
  return {
    ...(Object.keys(limits).length > 0 ? { limits } : {}),
    ...(processLimits.length > 0 ? { processLimits } : {}),
  };
}

function splitLimit(given: string): { name: TaskLimitName | ProcessLimitName; value: string } {
  const [name = '', ...rest] = given.split('=');
  const value = rest.join('=');
  const names: readonly string[] = [...taskLimitNames, ...processLimitNames];
  if (!names.includes(name)) {
    const nearest = nearestWord(name, names);
    const hint = nearest === undefined ? names.join(', ') : `did you mean ${nearest}?`;
    throw refused(given, `there is no limit ${JSON.stringify(name)}: ${hint}`);
  }
  if (value === '') throw refused(given, `${name} needs a value after =`);
  return { name: name as TaskLimitName | ProcessLimitName, value };
}

function parseCpu(given: string, value: string): number {
  const millis = /^\d{1,6}(?:\.\d{1,3})?$/.test(value) ? Math.round(Number(value) * 1000) : 0;
  if (millis > 0) return millis;
  throw refused(given, 'not a number of CPUs: give one such as 2, 0.5 or 1.25');
}

function parseMemory(given: string, value: string): bigint {
  const bytes = parseSize(value) ?? 0n;
  if (bytes > 0n) return bytes;
  throw refused(given, 'not a size: give bytes, or 512m, 2g');
}

function parseProcesses(given: string, value: string): number {
  const count = /^\d{1,9}$/.test(value) ? Number(value) : 0;
  if (count > 0) return count;
  throw refused(given, 'not a number of processes: give one such as 100');
}

function planProcessLimit(
  given: string,
  name: ProcessLimitName,
  value: string,
): MessageInitShape<typeof ProcessLimitSchema> {
  const resource: ProcessResource = name === cpuTime ? 'cpu' : name;
  const [softText = '', hardText = softText, ...more] = value.split(':');
  if (more.length > 0) throw refused(given, 'more than SOFT:HARD');
  const soft = parseAmount(given, softText, measures[name]);
  const hard = parseAmount(given, hardText, measures[name]);
  if (hard !== undefined && (soft === undefined || soft > hard)) {
    throw refused(given, `the soft limit is above the hard one: ${softText} is more than ${hardText}`);
  }
  return {
    resource,
    ...(soft === undefined ? {} : { soft }),
    ...(hard === undefined ? {} : { hard }),
  };
}

/** Undefined for "unlimited". */
function parseAmount(given: string, text: string, measure: Measure): bigint | undefined {
  if (text === 'unlimited') return undefined;
  const amount = measure === 'bytes' ? parseSize(text) : /^\d{1,18}$/.test(text) ? BigInt(text) : undefined;
  if (amount === undefined) throw refused(given, wants[measure]);
  return amount;
}

function refused(given: string, why: string): UsageError {
  return new UsageError(`--limit ${given}: ${why}`);
}
