/** What differs between the outputs of two groups: unified hunks, by jsdiff. */
import { structuredPatch } from 'diff';
import { limits } from '#protocol/limits.ts';

/** A run of lines that differ, with some around them that do not. */
export interface DiffHunk {
  /**
   * Where in the first output it begins, counted from 1, and how many of its lines it has; likewise in the second. Where it has
   * none, the line before.
   */
  readonly oldStart: number;
  readonly oldLines: number;
  readonly newStart: number;
  readonly newLines: number;
  /** Each with a sign in front: a space for a line of both, `-` for one of the first only, `+` of the second only. */
  readonly lines: readonly string[];
}

/** Equal lines around those that differ, as diff(1) has it. */
const contextLines = 3;

/**
 * The hunks that make `to` of `from`, none where they are equal; undefined where they differ in more than a thousand lines,
 * which nobody would read.
 */
export function diffLines(from: readonly string[], to: readonly string[]): readonly DiffHunk[] | undefined {
  if (countLinesOfOne(from, to) > limits.diffEditsMax) return undefined;
  const options = { context: contextLines, maxEditLength: limits.diffEditsMax };
  const patch = structuredPatch('', '', joinLines(from), joinLines(to), undefined, undefined, options);
  return patch?.hunks.map((hunk) => ({
    ...hunk,
    oldStart: hunk.oldLines === 0 ? hunk.oldStart - 1 : hunk.oldStart,
    newStart: hunk.newLines === 0 ? hunk.newStart - 1 : hunk.newStart,
  }));
}

/** Lines that only one of them has, wherever they stand: there are at least as many edits, and these are quick to count. */
function countLinesOfOne(from: readonly string[], to: readonly string[]): number {
  const counts = new Map<string, number>();
  for (const line of from) counts.set(line, (counts.get(line) ?? 0) + 1);
  for (const line of to) counts.set(line, (counts.get(line) ?? 0) - 1);
  return counts.values().reduce((sum, count) => sum + Math.abs(count), 0);
}

function joinLines(lines: readonly string[]): string {
  return lines.map((line) => `${line}\n`).join('');
}
