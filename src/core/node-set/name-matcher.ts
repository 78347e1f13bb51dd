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

/** Given the positions where a segment may start in the name, gives those where it may end. */
type Step = (name: string, starts: ReadonlySet<number>) => Set<number>;

/** Prepares a pattern once, for use on many names. Its ranges are written out: at most 100,000 numbers. */
export function createNameMatcher(segments: readonly NameSegment[]): NameMatcher {
  const steps = segments.map(createStep);
  return (name) => {
    let positions: Set<number> = new Set([0]);
    for (const step of steps) {
      positions = step(name, positions);
      if (positions.size === 0) {
        return false;
      }
    }
    return positions.has(name.length);
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

function stepText(text: string, name: string, starts: ReadonlySet<number>): Set<number> {
  const ends = new Set<number>();
  for (const start of starts) {
    if (name.startsWith(text, start)) {
      ends.add(start + text.length);
    }
  }
  return ends;
}

function stepNumbers(numbers: ReadonlySet<string>, name: string, starts: ReadonlySet<number>): Set<number> {
  const ends = new Set<number>();
  for (const start of starts) {
    for (let end = start + 1; end <= name.length && isDigit(name, end - 1); end += 1) {
      if (numbers.has(name.slice(start, end))) {
        ends.add(end);
      }
    }
  }
  return ends;
}

function stepAnyOne(name: string, starts: ReadonlySet<number>): Set<number> {
  const ends = new Set<number>();
  for (const start of starts) {
    if (start < name.length) {
      ends.add(start + 1);
    }
  }
  return ends;
}

function stepAny(name: string, starts: ReadonlySet<number>): Set<number> {
  const ends = new Set<number>();
  for (let end = Math.min(...starts); end <= name.length; end += 1) {
    ends.add(end);
  }
  return ends;
}

function isDigit(name: string, position: number): boolean {
  const code = name.charCodeAt(position);
  return code >= 48 && code <= 57;
}
