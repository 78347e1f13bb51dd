/** Bytes a second on the command line. */
import { UsageError } from '#base/command-line.ts';
import { parseSize } from '#base/parse-size.ts';

/**
 * Bytes a second of "500k", "10m" or a plain number, never 0.
 *
 * @param option the option that it was given to, for the error.
 * @throws UsageError for anything else.
 */
export function parseRate(text: string, option: string): bigint {
  const bytes = parseSize(text);
  if (bytes !== undefined && bytes > 0n) return bytes;
  throw new UsageError(`${option} takes bytes a second such as 500k, 10m or 1g, not ${JSON.stringify(text)}`);
}
