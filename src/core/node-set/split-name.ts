/**
 * Splits a name into its numbers and what stands around them.
 */
import { numberDigitsMax } from './node-set-limits.ts';

/** Numbers of a name that may be folded. With more than these, names are hashes, and only the last ones vary usefully. */
const dimensionsMax = 8;

/** `dc1n12.x` is the texts `dc`, `n`, `.x` around the numbers `1`, `12`: always one text more than numbers. */
export interface SplitName {
  readonly texts: readonly string[];
  readonly numbers: readonly string[];
}

/**
 * Splits at the last 8 numbers of at most 15 digits; any other digits stay in the texts.
 * Joining texts and numbers in turn gives the name back.
 */
export function splitName(name: string): SplitName {
  const found = [...name.matchAll(/[0-9]+/g)].filter(([digits]) => digits.length <= numberDigitsMax);
  const texts: string[] = [];
  const numbers: string[] = [];
  let end = 0;
  for (const match of found.slice(-dimensionsMax)) {
    texts.push(name.slice(end, match.index));
    numbers.push(match[0]);
    end = match.index + match[0].length;
  }
  texts.push(name.slice(end));
  return { texts, numbers };
}

/** The reverse of splitName, also with folded numbers in the numbers' places. */
export function joinName(texts: readonly string[], numbers: readonly string[]): string {
  return texts.reduce((name, text, index) => name + (numbers[index - 1] ?? '') + text);
}
