/**
 * Texts of many lines, kept so that those which begin alike share their beginnings: a tree in which each place is a line
 * after the lines before it. Two texts are equal when they end at the same place, and a thousand equal ones cost as much as
 * one. It holds a limited number of lines and characters; what it cannot hold it says.
 */

/** A place in the tree: the text of the lines from its root to here. */
export type Place = number & { readonly __brand: 'place' };

/** The empty text. */
export const emptyText = 0 as Place;

/** What a tree may hold. */
export interface LineTreeLimits {
  /** Lines that differ, or follow other ones; at most 2^26, since two of them make a number that is exact. */
  readonly linesMax: number;
  /** Characters of lines that differ. */
  readonly charactersMax: number;
}

/** Keeps texts; grows only. */
export class LineTree {
  readonly #limits: LineTreeLimits;
  readonly #lines: string[] = [];
  readonly #lineIds = new Map<string, number>();
  readonly #children = new Map<number, Place>();
  readonly #parents: Place[] = [emptyText];
  readonly #lineOf: number[] = [-1];
  #characters = 0;

  constructor(limits: LineTreeLimits) {
    this.#limits = limits;
  }

  /** The text at `place` and one more line; undefined where the tree is full and has no such text yet. */
  append(place: Place, line: string): Place | undefined {
    const lineId = this.#idOf(line);
    if (lineId === undefined) return undefined;
    const key = place * this.#limits.linesMax + lineId;
    const known = this.#children.get(key);
    if (known !== undefined) return known;
    if (this.#parents.length > this.#limits.linesMax) return undefined;
    const added = this.#parents.length as Place;
    this.#children.set(key, added);
    this.#parents.push(place);
    this.#lineOf.push(lineId);
    return added;
  }

  /** The lines of the text at `place`. */
  linesAt(place: Place): string[] {
    const lines: string[] = [];
    for (let at = place; at !== emptyText; at = this.#parents[at] ?? emptyText) {
      lines.push(this.#lines[this.#lineOf[at] ?? -1] ?? '');
    }
    return lines.reverse();
  }

  #idOf(line: string): number | undefined {
    const known = this.#lineIds.get(line);
    if (known !== undefined) return known;
    const isFull = this.#lines.length >= this.#limits.linesMax;
    if (isFull || this.#characters + line.length > this.#limits.charactersMax) return undefined;
    this.#characters += line.length;
    const copy = detach(line);
    this.#lineIds.set(copy, this.#lines.length);
    return this.#lines.push(copy) - 1;
  }
}

/** The same line in memory of its own: a piece that was cut out of a large string would keep all of that alive. */
function detach(line: string): string {
  return JSON.parse(JSON.stringify(line));
}
