/**
 * Matches a name against a pattern with ranges and globs, over the whole name and exactly (case matters).
 *
 * It follows all possible positions at once instead of backtracking, so that no pattern is slow: at most
 * (characters of the pattern) × (characters of the name) steps for globs.
 */
import type { NameSegment } from './node-set-expression.ts';
import { writeNumbers } from './number-range.ts';

/** Whether a name matches. */
export type NameMatcher = (name: string) => boolean;

/** Given the positions where a segment may start in the name, gives those where it may end; both ascending. */
type Step = (name: string, starts: readonly number[]) => number[];

/** Prepares a pattern once, for use on many names. Its ranges are written out: at most 100,000 numbers. */
export function createNameMatcher(segments: readonly NameSegment[]): NameMatcher {
  const steps = segments.map(createStep);
  return (name) => {
    let positions = [0];
    for (const step of steps) {
      positions = step(name, positions);
      if (positions.length === 0) {
        return false;
      }
    }
    return positions.at(-1) === name.length;
  };
}

function createStep(segment: NameSegment): Step {
  switch (segment.kind) {
    case 'text':
      return (name, starts) => stepText(segment.text, name, starts);
    case 'numbers': {
      const numbers = writeNumbers(segment.ranges);
      return (name, starts) => stepNumbers(numbers, name, starts);
    }
    case 'any-one':
      return stepAnyOne;
    case 'any':
      return stepAny;
  }
}

function stepText(text: string, name: string, starts: readonly number[]): number[] {
  return starts.filter((start) => name.startsWith(text, start)).map((start) => start + text.length);
}

function stepNumbers(numbers: ReadonlySet<string>, name: string, starts: readonly number[]): number[] {
  const ends = new Set<number>();
  for (const start of starts) {
    for (let end = start + 1; end <= name.length && isDigit(name, end - 1); end += 1) {
      if (numbers.has(name.slice(start, end))) {
        ends.add(end);
      }
    }
  }
  return [...ends].sort((a, b) => a - b);
}

function stepAnyOne(name: string, starts: readonly number[]): number[] {
  return starts.filter((start) => start < name.length).map((start) => start + 1);
}

function stepAny(name: string, starts: readonly number[]): number[] {
  const ends: number[] = [];
  for (let end = starts[0] ?? 0; end <= name.length; end += 1) {
    ends.push(end);
  }
  return ends;
}

function isDigit(name: string, position: number): boolean {
  const code = name.charCodeAt(position);
  return code >= 48 && code <= 57;
}
