/** Times of others. Pure. */
import type { Timestamp } from '@bufbuild/protobuf/wkt';

/** Whether a timestamp is one that has a form in JSON: of the years 1970 to 9999. */
export function isTime({ seconds, nanos }: Timestamp): boolean {
  return seconds >= 0n && seconds < 253_402_300_800n && nanos >= 0 && nanos < 1e9;
}
