/**
 * Exit codes of the command line, from what became of the tasks. The table is that of `drover help exit-codes`.
 * Every start of the command line loads this: it imports types only.
 */
import type { Outcome } from '#protocol/gen/drover/v1/task_pb.ts';

/** Every exit code that means something of its own. */
export const exitCodes = {
  success: 0,
  requestFailed: 1,
  usage: 2,
  timedOut: 3,
  unreachable: 4,
  taskFailed: 5,
  noNode: 6,
  denied: 7,
  interrupted: 130,
} as const;

/** Which code wins where several hold; earlier wins. */
const precedence = [
  exitCodes.usage,
  exitCodes.denied,
  exitCodes.noNode,
  exitCodes.timedOut,
  exitCodes.unreachable,
  exitCodes.taskFailed,
] as const;

/** What counts of a task. */
export interface TaskEnd {
  /** Undefined for a task that nobody can be asked about any more (its node is unreachable). */
  readonly outcome: Outcome | undefined;
  /** Its time limit brought the end about, whatever the outcome. */
  readonly timedOut: boolean;
}

/** The step that a start fails at which the node's policy refuses. */
const policyStep = 'policy';

/** Exit code for tasks on a set of nodes. */
export function exitCodeOf(ends: readonly TaskEnd[]): number {
  const codes = new Set(ends.map(codeOf));
  return precedence.find((code) => codes.has(code)) ?? exitCodes.success;
}

/** A kind that this version does not know counts as unknown, never as success. */
function codeOf({ outcome, timedOut }: TaskEnd): number {
  if (timedOut) return exitCodes.timedOut;
  switch (outcome?.kind.case) {
    case 'exited':
      return outcome.kind.value.code === 0 ? exitCodes.success : exitCodes.taskFailed;
    case 'notStarted':
      return outcome.kind.value.step === policyStep ? exitCodes.denied : exitCodes.taskFailed;
    case 'signaled':
    case 'skipped':
      return exitCodes.taskFailed;
    default:
      return exitCodes.unreachable;
  }
}

/** errno values for which a shell says 127 (not found) instead of 126 (found and not executable). */
const enoent = 2;

/**
 * Exit code for exactly one literal node: the command's own; 128+n for a signal; 126 and 127 as a shell does when it did
 * not start; as for a set otherwise, also where its time limit ended it.
 *
 * @param signalNumber number of a signal by its name; undefined for one that this version does not know.
 */
export function exitCodeOfOne(end: TaskEnd, signalNumber: (name: string) => number | undefined): number {
  const { outcome, timedOut } = end;
  if (timedOut) return exitCodes.timedOut;
  switch (outcome?.kind.case) {
    case 'exited':
      return outcome.kind.value.code;
    case 'signaled': {
      const number = signalNumber(outcome.kind.value.signal);
      return number === undefined ? codeOf(end) : 128 + number;
    }
    case 'notStarted': {
      const { step, errno } = outcome.kind.value;
      const ofCommand = step === 'command' || step === 'execve';
      if (!ofCommand) return codeOf(end);
      return errno === enoent ? 127 : 126;
    }
    default:
      return codeOf(end);
  }
}
