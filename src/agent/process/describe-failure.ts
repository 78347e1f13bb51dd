/** What people read of a start that failed, from the step and the errno that the supervisor tells. One author of such lines. */
import { constants } from 'node:os';
import { getSystemErrorMap } from 'node:util';
import { formatSize } from '#core/format-size.ts';
import type { TaskSpec } from '#protocol/gen/drover/v1/task_pb.ts';

const words = getSystemErrorMap();

/** "no such file or directory" for 2, and so on. */
export function errnoWords(errno: number): string {
  return words.get(-errno)?.[1] ?? `errno ${errno}`;
}

/** Of what a step's line names the value. */
export interface LaunchNames {
  readonly cwd: string;
  readonly binary: string;
  readonly spec: TaskSpec | undefined;
}

/** What each step was about; the others are system calls that speak for themselves. */
const subjects: Readonly<Record<string, (names: LaunchNames) => string>> = {
  chdir: ({ cwd }) => `chdir ${cwd}`,
  execve: ({ binary }) => `execve ${binary}`,
  nice: ({ spec }) => `nice ${spec?.nice ?? ''}`,
  rlimit: ({ spec }) => `process limits (${spec?.processLimits.map(({ resource }) => resource).join(', ')})`,
  'cgroup-cpu': ({ spec }) => `limit of ${(spec?.limits?.cpuMillis ?? 0) / 1000} CPUs`,
  'cgroup-memory': ({ spec }) => `limit of ${formatSize(spec?.limits?.memoryBytes ?? 0n)} of memory`,
  'cgroup-processes': ({ spec }) => `limit of ${spec?.limits?.processes ?? 0} processes`,
};

const { EOPNOTSUPP, EACCES, EPERM, EROFS } = constants.errno;

/** What these say of the limits that a cgroup holds. */
const cgroupWords: Readonly<Record<number, string>> = {
  [EOPNOTSUPP]: 'no cgroup of this node can hold it',
  [EACCES]: 'no writable cgroup on this node',
  [EPERM]: 'no writable cgroup on this node',
  [EROFS]: 'no writable cgroup on this node',
};

/** One line such as "chdir /nope: no such file or directory". */
export function describeFailure(step: string, errno: number, names: LaunchNames): string {
  const subject = Object.hasOwn(subjects, step) ? subjects[step]?.(names) : undefined;
  const ofCgroup = step.startsWith('cgroup') ? cgroupWords[errno] : undefined;
  return `${subject ?? step}: ${ofCgroup ?? errnoWords(errno)}`;
}
