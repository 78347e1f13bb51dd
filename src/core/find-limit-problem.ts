/** Whether the limits and the ways of a task are ones that a kernel knows. Pure. Whether a node can apply them is the node's to say. */
import type { ProcessLimit, TaskLimits, TaskSpec } from '#protocol/gen/drover/v1/task_pb.ts';
import { limits } from '#protocol/limits.ts';
import { isProcessResource, unlimited } from './process-limits.ts';
import { quote } from './quote.ts';

const umaskMax = 0o777;
const niceMin = -20;
const niceMax = 19;

/** What is wrong, one line; undefined when nothing is. */
export function findLimitProblem(spec: TaskSpec): string | undefined {
  const { umask = 0, nice = 0 } = spec;
  if (umask > umaskMax) return `umask 0${umask.toString(8)} is out of range: at most 0777`;
  if (nice < niceMin || nice > niceMax) return `nice ${nice} is out of range: ${niceMin} to ${niceMax}`;
  return findProcessLimitProblem(spec.processLimits) ?? (spec.limits && findTaskLimitProblem(spec.limits));
}

function findProcessLimitProblem(given: readonly ProcessLimit[]): string | undefined {
  const seen = new Set<string>();
  for (const { resource, soft = unlimited, hard = unlimited } of given) {
    if (!isProcessResource(resource)) return `there is no process limit ${quote(resource)}`;
    if (seen.has(resource)) return `the process limit ${resource} is given twice`;
    if (soft > hard) return `the process limit ${resource} is ${soft}, above its hard limit ${hard}`;
    seen.add(resource);
  }
  return undefined;
}

function findTaskLimitProblem({ cpuMillis, memoryBytes, processes }: TaskLimits): string | undefined {
  const { taskCpuMillisMin, taskCpuMillisMax, taskMemoryBytesMin, taskMemoryBytesMax, taskProcessesMax } =
    limits;
  if (cpuMillis !== 0 && (cpuMillis < taskCpuMillisMin || cpuMillis > taskCpuMillisMax)) {
    return `a CPU limit of ${cpuMillis / 1000} is out of range: ${taskCpuMillisMin / 1000} to ${taskCpuMillisMax / 1000} CPUs`;
  }
  if (memoryBytes !== 0n && (memoryBytes < taskMemoryBytesMin || memoryBytes > taskMemoryBytesMax)) {
    return `a memory limit of ${memoryBytes} bytes is out of range: ${taskMemoryBytesMin} (1 MiB) to ${taskMemoryBytesMax}`;
  }
  if (processes <= taskProcessesMax) return undefined;
  return `a limit of ${processes} processes is out of range: at most ${taskProcessesMax}`;
}
