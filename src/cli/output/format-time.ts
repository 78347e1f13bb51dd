/** Moments for people. */
import { type Timestamp, timestampMs } from '@bufbuild/protobuf/wkt';

/** ISO 8601, local time to the second with its offset, as "2026-11-22T10:26:35+01:00"; "-" where there is none. */
export function showTime(at: Timestamp | undefined): string {
  return at ? format(new Date(timestampMs(at)), '') : '-';
}

/** The same to the millisecond, as "2026-11-22T10:26:35.042+01:00". */
export function showTimeMs(at: Timestamp | undefined): string {
  if (!at) return '-';
  const date = new Date(timestampMs(at));
  return format(date, `.${String(date.getMilliseconds()).padStart(3, '0')}`);
}

function format(date: Date, fraction: string): string {
  const two = (value: number) => String(value).padStart(2, '0');
  const day = `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())}`;
  const time = `${two(date.getHours())}:${two(date.getMinutes())}:${two(date.getSeconds())}`;
  const east = -date.getTimezoneOffset();
  const offset = `${two(Math.floor(Math.abs(east) / 60))}:${two(Math.abs(east) % 60)}`;
  return `${day}T${time}${fraction}${east < 0 ? '-' : '+'}${offset}`;
}
