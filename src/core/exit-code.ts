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

/**
 * Exit code for tasks on a set of nodes. An `undefined` outcome is a task that nobody can be asked about any more
 * (its node is unreachable).
 */
export function exitCodeOf(outcomes: readonly (Outcome | undefined)[]): number {
  const codes = new Set(outcomes.map(codeOf));
  return precedence.find((code) => codes.has(code)) ?? exitCodes.success;
}

/** A kind that this version does not know counts as unknown, never as success. */
function codeOf(outcome: Outcome | undefined): number {
  switch (outcome?.kind.case) {
    case 'exited':
      return outcome.kind.value.code === 0 ? exitCodes.success : exitCodes.taskFailed;
    case 'signaled':
    case 'notStarted':
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
 * not start; as for a set otherwise.
 *
 * @param signalNumber number of the signal by its name, 0 where it has none.
 */
export function exitCodeOfOne(outcome: Outcome | undefined, signalNumber: (name: string) => number): number {
  switch (outcome?.kind.case) {
    case 'exited':
      return outcome.kind.value.code;
    case 'signaled':
      return 128 + signalNumber(outcome.kind.value.signal);
    case 'notStarted': {
      const { step, errno } = outcome.kind.value;
      const ofCommand = step === 'command' || step === 'execve';
      if (!ofCommand) return exitCodes.taskFailed;
      return errno === enoent ? 127 : 126;
    }
    default:
      return exitCodeOf([outcome]);
  }
}
