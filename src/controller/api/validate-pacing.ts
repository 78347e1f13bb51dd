/** Whether a pacing can be meant. Pure. */
import type { Pacing } from '#protocol/gen/drover/v1/task_pb.ts';
import { limits } from '#protocol/limits.ts';

/** What is wrong, one line; undefined when nothing is. */
export function findPacingProblem(pacing: Pacing | undefined): string | undefined {
  if (!pacing) return undefined;
  const { maxConcurrency, maxConcurrencyPercent, maxErrors, maxErrorsPercent, batchSleepMs } = pacing;
  if (maxConcurrency > 0 && maxConcurrencyPercent > 0) {
    return 'the tasks at once are limited by a number and by a per cent: give one of them';
  }
  if (maxErrors !== undefined && maxErrorsPercent !== undefined) {
    return 'the failures are limited by a number and by a per cent: give one of them';
  }
  if (maxConcurrencyPercent > 100)
    return `${maxConcurrencyPercent} per cent of the tasks at once are too many`;
  if ((maxErrorsPercent ?? 0) > 100) return `${maxErrorsPercent} per cent of failures are too many`;
  if (batchSleepMs > limits.pacingSleepMaxMs) {
    return `a pause of ${batchSleepMs} ms between tasks is out of range: at most ${limits.pacingSleepMaxMs}`;
  }
  if (batchSleepMs === 0n || maxConcurrency + maxConcurrencyPercent > 0) return undefined;
  return 'a pause between tasks needs a limit of tasks at once';
}

/** It limits nothing. */
export function isUnpaced({
  maxConcurrency,
  maxConcurrencyPercent,
  maxErrors,
  maxErrorsPercent,
}: Pacing): boolean {
  return (
    maxConcurrency + maxConcurrencyPercent === 0 && maxErrors === undefined && maxErrorsPercent === undefined
  );
}
