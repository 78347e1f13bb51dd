/**
 * Problems of single files on many nodes: the same one on several nodes is one line, with their names folded. Memory is bounded:
 * beyond a limit the different problems are counted only.
 */
import { oneLine } from '#cli/output/strip-control.ts';
import { foldNodeNames } from '#core/node-set/fold-node-names.ts';
import type { FileProblem } from '#protocol/gen/drover/v1/file_pb.ts';

/** Different problems that are kept with the nodes that have them. */
const problemsMax = 1_000;

/** Collects problems; they are shown at the end. */
export class FileProblems {
  readonly #nodes = new Map<string, Set<string>>();
  #more = 0;

  /** Takes one of a node. */
  add(node: string, { path, error }: FileProblem): void {
    const text = path === '' ? oneLine(error) : `${oneLine(path)}: ${oneLine(error)}`;
    const known = this.#nodes.get(text);
    if (known) known.add(node);
    else if (this.#nodes.size < problemsMax) this.#nodes.set(text, new Set([node]));
    else this.#more += 1;
  }

  /** A line for each different one, without "drover: " in front. */
  render(): string[] {
    const lines = [...this.#nodes].map(([text, nodes]) => `${foldNodeNames([...nodes])}: ${text}`);
    return this.#more === 0 ? lines : [...lines, `${this.#more} further problems are not shown`];
  }
}
