/** Moments for people. */
import { type Timestamp, timestampMs } from '@bufbuild/protobuf/wkt';

/** Local time to the second, as "2026-11-22 10:26:35"; "-" where there is none. */
export function showTime(at: Timestamp | undefined): string {
  if (!at) return '-';
  const date = new Date(timestampMs(at));
  const two = (value: number) => String(value).padStart(2, '0');
  const day = `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())}`;
  return `${day} ${two(date.getHours())}:${two(date.getMinutes())}:${two(date.getSeconds())}`;
}
