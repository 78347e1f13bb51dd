/** Numbers on the command line. */
import { UsageError } from '#base/command-line.ts';

/**
 * A count given to `option`, `atLeast` … 2^32-1.
 *
 * @throws UsageError for anything else.
 */
export function parseCount(text: string, option: string, atLeast = 1): number {
  const count = /^\d{1,10}$/.test(text) ? Number(text) : Number.NaN;
  if (!(count >= atLeast && count < 2 ** 32)) {
    throw new UsageError(`${option} takes a number from ${atLeast} on, not ${JSON.stringify(text)}`);
  }
  return count;
}
