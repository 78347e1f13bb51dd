/** Signals on the command line. */
import { UsageError } from '#base/command-line.ts';
import { canonicalSignal } from '#core/signals.ts';

/**
 * Name of a signal out of "TERM", "SIGTERM", "term", "15" or "RTMIN+3".
 *
 * @throws UsageError for anything else.
 */
export function parseSignal(text: string, option: string): string {
  const name = canonicalSignal(text);
  if (name !== undefined) return name;
  throw new UsageError(
    `${option} takes a signal such as TERM, SIGHUP, 9 or RTMIN+3, not ${JSON.stringify(text)}`,
  );
}
