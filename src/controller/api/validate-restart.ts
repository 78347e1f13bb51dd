/** Whether a restart policy can be meant. Pure. */
import { RestartMode, type RestartPolicy } from '#protocol/gen/drover/v1/task_pb.ts';
import { limits } from '#protocol/limits.ts';
import { findEnumProblem } from './describe-value.ts';

/** What is wrong, one line; undefined when nothing is. */
export function findRestartProblem(restart: RestartPolicy | undefined): string | undefined {
  if (!restart) return undefined;
  const { mode, max, backoffMs, backoffMaxMs } = restart;
  const unknownMode = findEnumProblem('the restart mode', mode, RestartMode);
  if (unknownMode !== undefined) return unknownMode;
  const never = mode === RestartMode.UNSPECIFIED || mode === RestartMode.NEVER;
  if (never && (max !== 0 || backoffMs !== 0n || backoffMaxMs !== 0n)) {
    return 'a task that is never restarted has no number of restarts and no pause before them';
  }
  const longestMs = backoffMaxMs || BigInt(limits.restartBackoffMaxDefaultMs);
  for (const ms of [backoffMs, longestMs]) {
    if (ms > limits.restartBackoffMaxMs)
      return `a pause of ${ms} ms before a restart is out of range: at most ${limits.restartBackoffMaxMs}`;
  }
  const firstMs = backoffMs || BigInt(limits.restartBackoffDefaultMs);
  if (firstMs <= longestMs) return undefined;
  return `the first pause before a restart is ${firstMs} ms, above the longest, which is ${longestMs}`;
}
