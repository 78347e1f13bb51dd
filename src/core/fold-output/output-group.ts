/** What folded output is made of: tasks that printed the same and ended the same, as one. */
import { compareNames } from '#core/node-set/compare-names.ts';

/** What is needed to know of a task. */
export interface FoldedTask {
  readonly id: string;
  readonly node: string;
  /** How it ended, as people read it: `exit 1`. Tasks of one group ended alike. */
  readonly ending: string;
  readonly succeeded: boolean;
}

/** One of the outputs of a group. */
export interface GroupText {
  readonly lines: readonly string[];
  /** Lines after those, which are the same in all of the group and are not kept with them. */
  readonly moreLines: number;
  /** Characters of those lines, without their ends. */
  readonly moreCharacters: number;
}

/** Tasks whose outputs and endings are the same, or similar. */
export interface OutputGroup {
  /** At least one, in natural order of their nodes. */
  readonly tasks: readonly FoldedTask[];
  readonly ending: string;
  readonly succeeded: boolean;
  readonly stdout: GroupText;
  readonly stderr: GroupText;
}

/** The output of a task that printed nothing. */
export const emptyGroupText: GroupText = { lines: [], moreLines: 0, moreCharacters: 0 };

/** All lines of the group were kept. */
export function isWhole({ stdout, stderr }: OutputGroup): boolean {
  return stdout.moreLines + stderr.moreLines === 0;
}

/** For sorting tasks by the natural order of their nodes. */
export function compareTasks(a: FoldedTask, b: FoldedTask): number {
  return compareNames(a.node, b.node) || (a.id < b.id ? -1 : a.id > b.id ? 1 : 0);
}

/**
 * For sorting groups: the largest first, so that the outliers come last, where they are seen. Of two as large the one that
 * succeeded first, else in natural order of their first nodes.
 */
export function compareGroups(a: OutputGroup, b: OutputGroup): number {
  const [first, second] = [a.tasks[0], b.tasks[0]];
  return (
    b.tasks.length - a.tasks.length ||
    Number(b.succeeded) - Number(a.succeeded) ||
    (first && second ? compareTasks(first, second) : 0)
  );
}
