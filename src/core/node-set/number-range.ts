/**
 * The numbers of one range inside brackets, and how they are written.
 */

/** `first-last/step`, both ends included. A single number is a range from itself to itself. */
export interface NumberRange {
  readonly first: number;
  /** At least `first`; at most 15 digits. */
  readonly last: number;
  /** At least 1. */
  readonly step: number;
  /** Numbers with fewer digits are padded with zeros to this width; 0 when the first bound is not padded. */
  readonly width: number;
}

/** Whether a number is written with zeros in front. A single `0` is not. */
export function isPadded(digits: string): boolean {
  return digits.length > 1 && digits.startsWith('0');
}

/** A number as its range writes it. */
export function formatNumber(value: number, width: number): string {
  return String(value).padStart(width, '0');
}

/** How many numbers the ranges write out, equal ones counted each time. */
export function countNumbers(ranges: readonly NumberRange[]): number {
  return ranges.reduce((sum, range) => sum + Math.floor((range.last - range.first) / range.step) + 1, 0);
}

/** Digits of the longest number of the ranges. */
export function longestNumber(ranges: readonly NumberRange[]): number {
  return ranges.reduce(
    (longest, range) => Math.max(longest, formatNumber(range.last, range.width).length),
    0,
  );
}

/** Every number of the ranges as written, in the ranges' order, each once. */
export function writeNumbers(ranges: readonly NumberRange[]): Set<string> {
  const numbers = new Set<string>();
  for (const range of ranges) {
    for (let value = range.first; value <= range.last; value += range.step) {
      numbers.add(formatNumber(value, range.width));
    }
  }
  return numbers;
}
