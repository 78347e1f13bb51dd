/**
 * What the tasks of the chaos tests run. Each writes down that it has begun, in a file that no part of Drover touches: that file
 * is the witness of how often a task was started. And of each it is known what it prints and how it ends.
 */

/** A command, and what must come of it. */
export interface ChaosCommand {
  readonly argv: readonly string[];
  /** Exit code when it ends by itself. */
  readonly code: number;
  /** What it prints when it ends by itself; one that was ended has printed a beginning of that. */
  readonly stdout: string;
}

/** Name of the file in the directory CHAOS to which a task adds its attempt's id when it begins. */
export const startsFile = 'starts';

/** Name of the file in the directory CHAOS that is locked while waiting tasks are to wait. */
export const gateFile = 'gate';

const begin = `echo "$DROVER_TASK.$DROVER_ATTEMPT" >> "$CHAOS/${startsFile}"`;
const pass = `flock -s "$CHAOS/${gateFile}" true`;

/** Runs these lines of shell, which print `stdout` and end with `code`. */
export function shell(lines: readonly string[], code: number, stdout: string): ChaosCommand {
  return { argv: ['/bin/sh', '-c', [begin, ...lines].join('\n')], code, stdout };
}

/** Ends at once. */
export function exits(code: number): ChaosCommand {
  return shell(['echo done', `exit ${code}`], code, 'done\n');
}

/** Prints a line, waits at the gate, prints another. */
export function waits(code: number): ChaosCommand {
  return shell(['echo before', pass, 'echo after', `exit ${code}`], code, 'before\nafter\n');
}

/** Prints numbered lines, waits at the gate, and prints as many again. */
export function writes(lines: number, code: number): ChaosCommand {
  const half = (name: string) =>
    `i=0; while [ $i -lt ${lines} ]; do i=$((i + 1)); echo "${name} line $i"; done`;
  const printed = (name: string) => Array.from({ length: lines }, (_, i) => `${name} line ${i + 1}\n`);
  return shell(
    [half('first'), pass, half('second'), `exit ${code}`],
    code,
    [...printed('first'), ...printed('second')].join(''),
  );
}

/** Prints the numbers up to `last`, a line each, as fast as it can; waits at the gate after `first` of them, if it is to. */
export function prints(last: number, first = last): ChaosCommand {
  const numbers = Array.from({ length: last }, (_, i) => `${i + 1}\n`);
  const rest = first < last ? [pass, `seq ${first + 1} ${last}`] : [];
  return shell([`seq 1 ${first}`, ...rest], 0, numbers.join(''));
}
