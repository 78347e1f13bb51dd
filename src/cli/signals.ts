/** Signal names and numbers, as this machine's kernel has them. */
import { constants } from 'node:os';
import { UsageError } from '#base/command-line.ts';

const numbers: Readonly<Record<string, number | undefined>> = constants.signals;

/** Number of a signal by its name with "SIG" ("SIG<n>" included), 0 where it has none. */
export function signalNumber(name: string): number {
  return numbers[name] ?? Number(/^SIG(\d+)$/.exec(name)?.[1] ?? 0);
}

/**
 * Name of a signal out of "TERM", "SIGTERM", "term" or "15".
 *
 * @throws UsageError for anything else.
 */
export function parseSignal(text: string, option: string): string {
  const upper = text.toUpperCase();
  const name = upper.startsWith('SIG') ? upper : `SIG${upper}`;
  if (numbers[name]) return name;
  const number = Number(text);
  if (/^\d+$/.test(text) && number >= 1 && number <= 64) {
    return Object.entries(numbers).find(([, value]) => value === number)?.[0] ?? `SIG${number}`;
  }
  throw new UsageError(`${option} takes a signal such as TERM, SIGHUP or 9, not ${JSON.stringify(text)}`);
}
