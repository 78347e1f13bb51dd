/** How fast a run goes, out of its command line. Pure. */
import type { MessageInitShape } from '@bufbuild/protobuf';
import { type OptionValues, UsageError } from '#base/command-line.ts';
import { parseDuration } from '#cli/output/format-duration.ts';
import type { runSyntax } from '#cli/syntax/run-syntax.ts';
import type { PacingSchema } from '#protocol/gen/drover/v1/task_pb.ts';
import { limits } from '#protocol/limits.ts';

type Options = Pick<
  OptionValues<(typeof runSyntax)['options']>,
  'max-concurrency' | 'max-errors' | 'batch-sleep'
>;

/**
 * The pacing that was asked for; undefined where none was.
 *
 * @throws UsageError for what cannot be meant.
 */
export function planPacing(options: Options): MessageInitShape<typeof PacingSchema> | undefined {
  const { 'max-concurrency': concurrency, 'max-errors': errors, 'batch-sleep': sleep } = options;
  if (sleep !== undefined && concurrency === undefined) {
    throw new UsageError('--batch-sleep needs --max-concurrency: without it all tasks start at once');
  }
  if (concurrency === undefined && errors === undefined) return undefined;
  const atOnce = concurrency === undefined ? {} : parseShare(concurrency, '--max-concurrency', 1);
  const failures = errors === undefined ? {} : parseShare(errors, '--max-errors', 0);
  return {
    ...(atOnce.count === undefined ? {} : { maxConcurrency: atOnce.count }),
    ...(atOnce.percent === undefined ? {} : { maxConcurrencyPercent: atOnce.percent }),
    ...(failures.count === undefined ? {} : { maxErrors: failures.count }),
    ...(failures.percent === undefined ? {} : { maxErrorsPercent: failures.percent }),
    ...(sleep === undefined ? {} : { batchSleepMs: BigInt(parseSleep(sleep)) }),
  };
}

/** `N` or `P%`. */
function parseShare(text: string, option: string, atLeast: number): { count?: number; percent?: number } {
  const [, digits, sign] = /^(\d{1,10})(%?)$/.exec(text) ?? [];
  const value = digits === undefined ? Number.NaN : Number(digits);
  if (value >= atLeast && value <= (sign === '%' ? 100 : 2 ** 32 - 1)) {
    return sign === '%' ? { percent: value } : { count: value };
  }
  throw new UsageError(
    `${option} takes a number from ${atLeast} on or ${atLeast}% to 100%, not ${JSON.stringify(text)}`,
  );
}

function parseSleep(text: string): number {
  const ms = parseDuration(text, '--batch-sleep');
  if (ms <= limits.pacingSleepMaxMs) return ms;
  throw new UsageError(`--batch-sleep takes a day at the most, not ${JSON.stringify(text)}`);
}
