/** What people read of a start that failed, from the step and the errno that the supervisor tells. One author of such lines. */
import { getSystemErrorMap } from 'node:util';

const words = getSystemErrorMap();

/** "no such file or directory" for 2, and so on. */
export function errnoWords(errno: number): string {
  return words.get(-errno)?.[1] ?? `errno ${errno}`;
}

/** Of what a step's line names the value. */
export interface LaunchNames {
  readonly cwd: string;
  readonly binary: string;
}

/** One line such as "chdir /nope: no such file or directory". */
export function describeFailure(step: string, errno: number, { cwd, binary }: LaunchNames): string {
  const subjects: Readonly<Record<string, string>> = { chdir: ` ${cwd}`, execve: ` ${binary}` };
  return `${step}${subjects[step] ?? ''}: ${errnoWords(errno)}`;
}
