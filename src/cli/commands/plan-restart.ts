/** What --restart and what goes with it ask for. Pure. */
import type { MessageInitShape } from '@bufbuild/protobuf';
import { UsageError } from '#base/command-line.ts';
import { parseDuration } from '#cli/output/format-duration.ts';
import { parseCount } from '#cli/parse-count.ts';
import { RestartMode, type RestartPolicySchema } from '#protocol/gen/drover/v1/task_pb.ts';
import { limits } from '#protocol/limits.ts';

/** As the command line has them. */
export interface RestartOptions {
  readonly restart?: string;
  readonly 'restart-max'?: string;
  readonly 'restart-backoff'?: string;
}

const modes: Readonly<Record<string, RestartMode>> = {
  never: RestartMode.NEVER,
  'on-failure': RestartMode.ON_FAILURE,
  always: RestartMode.ALWAYS,
};

/**
 * The policy; undefined where none was asked for.
 *
 * @throws UsageError for an option that says nothing without --restart, or a value that is none.
 */
export function planRestart(
  options: RestartOptions,
): MessageInitShape<typeof RestartPolicySchema> | undefined {
  const { restart = 'never', 'restart-max': max, 'restart-backoff': backoff } = options;
  if (restart === 'never') {
    const [idle] = Object.entries({ 'restart-max': max, 'restart-backoff': backoff }).filter(
      ([, value]) => value,
    );
    if (idle) throw new UsageError(`--${idle[0]} says nothing without --restart on-failure or always`);
    return undefined;
  }
  return {
    mode: modes[restart] ?? RestartMode.UNSPECIFIED,
    max: max === undefined ? 0 : parseCount(max, '--restart-max'),
    ...(backoff === undefined ? {} : planBackoff(backoff)),
  };
}

/** FIRST or FIRST:LONGEST; the longest pause is never below the first. */
function planBackoff(text: string): { backoffMs: bigint; backoffMaxMs: bigint } {
  const [first = '', longest, ...more] = text.split(':');
  if (more.length > 0) throw new UsageError(`--restart-backoff ${text}: more than FIRST:LONGEST`);
  const firstMs = parseDuration(first, '--restart-backoff');
  const longestMs =
    longest === undefined
      ? Math.max(firstMs, limits.restartBackoffMaxDefaultMs)
      : parseDuration(longest, '--restart-backoff');
  if (firstMs > longestMs) {
    throw new UsageError(`--restart-backoff ${text}: the first pause is longer than the longest`);
  }
  return { backoffMs: BigInt(firstMs), backoffMaxMs: BigInt(longestMs) };
}
