/**
 * Writes out the names of a pattern without globs: every combination of its ranges.
 */
import type { NameSegment } from './node-set-expression.ts';
import { writeNumbers } from './number-range.ts';

/**
 * Every name of the pattern, the last dimension varying fastest. A name that two combinations spell
 * (`[1,11][1,11]`) comes twice.
 * @param segments of kind `text` and `numbers` only; a glob is a bug of the caller
 */
export function writeNames(segments: readonly NameSegment[]): string[] {
  let names = [''];
  for (const segment of segments) {
    if (segment.kind === 'text') {
      names = names.map((name) => name + segment.text);
    } else if (segment.kind === 'numbers') {
      const numbers = [...writeNumbers(segment.ranges)];
      names = names.flatMap((name) => numbers.map((number) => name + number));
    } else {
      throw new TypeError('a glob has no names to write out');
    }
  }
  return names;
}
