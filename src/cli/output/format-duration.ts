/** Durations between people and milliseconds. */
import { UsageError } from '#base/command-line.ts';

const second = 1_000;
const minute = 60 * second;
const hour = 60 * minute;
const day = 24 * hour;

const units: Readonly<Record<string, number>> = { ms: 1, s: second, m: minute, h: hour, d: day };

/** The two largest units that say something, as "0.4s", "12s", "3m05s", "4h10m", "3d4h". */
export function formatDuration(ms: number): string {
  if (ms < 10 * second) return `${(Math.max(ms, 0) / second).toFixed(1)}s`;
  if (ms < minute) return `${Math.floor(ms / second)}s`;
  if (ms < hour) return `${Math.floor(ms / minute)}m${two(Math.floor(ms / second) % 60)}s`;
  if (ms < day) return `${Math.floor(ms / hour)}h${two(Math.floor(ms / minute) % 60)}m`;
  return `${Math.floor(ms / day)}d${Math.floor(ms / hour) % 24}h`;
}

function two(value: number): string {
  return String(value).padStart(2, '0');
}

/**
 * Milliseconds, never 0, of "500ms", "10s", "5m", "2h", "1d" or a plain number of seconds; fractions allowed. Zero is refused:
 * nowhere does it mean what somebody would expect, since to the API it means the default.
 *
 * @param option the option that it was given to, for the error.
 * @throws UsageError for anything else, and above a year.
 */
export function parseDuration(text: string, option: string): number {
  const [, number, unit = 's'] = /^(\d+(?:\.\d+)?)(ms|s|m|h|d)?$/.exec(text) ?? [];
  const ms = Math.round(Number(number) * (units[unit] ?? Number.NaN));
  if (ms === 0) throw new UsageError(`${option} takes a duration above zero, not ${JSON.stringify(text)}`);
  if (Number.isNaN(ms) || ms > 366 * day) {
    throw new UsageError(
      `${option} takes a duration such as 500ms, 10s, 5m, 2h or 1d, not ${JSON.stringify(text)}`,
    );
  }
  return ms;
}
