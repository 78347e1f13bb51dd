/** CPU time and shares for people. */
import { formatDuration } from './format-duration.ts';

/** CPU time, as "0.4ms", "120ms", "1.5s", "3m05s": milliseconds count where it is short. */
export function formatCpuTime(microseconds: bigint): string {
  const ms = Number(microseconds) / 1000;
  return ms < 1000 ? `${ms.toFixed(ms < 10 ? 1 : 0)}ms` : formatDuration(ms);
}

/** A share of one CPU, as "0.0%", "98%", "250%": a decimal below ten. */
export function formatShare(share: number): string {
  const percent = share * 100;
  return `${percent.toFixed(percent < 9.95 ? 1 : 0)}%`;
}
