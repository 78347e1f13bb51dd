/**
 * Gathers what the tasks of a fan-out print, line by line and in any order among them, and groups those that printed the same
 * and ended the same. Memory is bounded whatever they print: what is not kept any more is still compared, and counted.
 */
import { limits } from '#protocol/limits.ts';
import { emptyText, LineTree, type LineTreeLimits, type Place } from './line-tree.ts';
import {
  compareGroups,
  compareTasks,
  emptyGroupText,
  type FoldedTask,
  type GroupText,
  type OutputGroup,
} from './output-group.ts';
import { addToRest, noRest, type Rest, restKey } from './rest.ts';

/** Which output of a task a line is of. */
export type OutputStream = 'stdout' | 'stderr';

/** A text as far as it is kept, and the rest of it. */
interface Collected {
  readonly place: Place;
  readonly rest: Rest;
}

const nothing: Collected = { place: emptyText, rest: noRest };

const defaultLimits: LineTreeLimits = {
  linesMax: limits.foldedLinesMax,
  charactersMax: limits.foldedCharactersMax,
};

/** The output of any number of tasks. */
export class OutputCollector {
  readonly #tree: LineTree;
  readonly #texts: Readonly<Record<OutputStream, Map<string, Collected>>> = {
    stdout: new Map(),
    stderr: new Map(),
  };

  /** @param treeLimits what is kept of all tasks together; by default as limits.ts says. */
  constructor(treeLimits: LineTreeLimits = defaultLimits) {
    this.#tree = new LineTree(treeLimits);
  }

  /**
   * Takes the next line of a task's output, without its end.
   *
   * @returns whether the line is kept; once one of an output is not, no later one of it is.
   */
  add(taskId: string, stream: OutputStream, line: string): boolean {
    const texts = this.#texts[stream];
    const { place, rest } = texts.get(taskId) ?? nothing;
    const next = rest.lines === 0 ? this.#tree.append(place, line) : undefined;
    texts.set(taskId, next === undefined ? { place, rest: addToRest(rest, line) } : { place: next, rest });
    return next !== undefined;
  }

  /** Groups tasks by what was taken of them so far, in the order of `compareGroups`. */
  group(tasks: readonly FoldedTask[]): OutputGroup[] {
    const groups = Map.groupBy(tasks, (task) => this.#keyOf(task));
    return [...groups.values()].map((same) => this.#groupOf(same)).sort(compareGroups);
  }

  #keyOf({ id, ending, succeeded }: FoldedTask): string {
    const texts = [this.#textOf(id, 'stdout'), this.#textOf(id, 'stderr')];
    const keys = texts.map(({ place, rest }) => `${place} ${restKey(rest)}`);
    return [...keys, succeeded, ending].join(' ');
  }

  #groupOf(same: readonly FoldedTask[]): OutputGroup {
    const tasks = same.toSorted(compareTasks);
    const [{ id, ending, succeeded } = { id: '', ending: '', succeeded: false }] = tasks;
    return {
      tasks,
      ending,
      succeeded,
      stdout: this.#linesOf(id, 'stdout'),
      stderr: this.#linesOf(id, 'stderr'),
    };
  }

  #linesOf(taskId: string, stream: OutputStream): GroupText {
    const { place, rest } = this.#textOf(taskId, stream);
    if (place === emptyText && rest.lines === 0) return emptyGroupText;
    return {
      lines: this.#tree.linesAt(place),
      moreLines: rest.lines,
      moreCharacters: rest.characters,
    };
  }

  #textOf(taskId: string, stream: OutputStream): Collected {
    return this.#texts[stream].get(taskId) ?? nothing;
  }
}
