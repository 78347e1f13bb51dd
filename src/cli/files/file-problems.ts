/**
 * Problems of single files on many nodes: the same one on several nodes is one line, with their names folded, and what is wrong with very
 * many files alike, such as a full disk, is told of the first of them. Memory is bounded: beyond a limit problems are counted only.
 */
import { oneLine } from '#cli/output/strip-control.ts';
import { foldNodeNames } from '#core/node-set/fold-node-names.ts';
import type { FileProblem } from '#protocol/gen/drover/v1/file_pb.ts';

/** Different problems that are kept with the nodes that have them. */
const problemsMax = 1_000;
/** Files with the same thing wrong that are told by name. */
const alikeMax = 10;

/** One thing that is wrong. */
interface Alike {
  /** By path, the nodes where it is so. */
  readonly paths: Map<string, Set<string>>;
  /** Files of nodes that are not told by name, and the nodes. */
  more: number;
  readonly moreNodes: Set<string>;
}

/** Collects problems; they are shown at the end. */
export class FileProblems {
  readonly #alike = new Map<string, Alike>();
  /** Of which not even the kind is kept. */
  #more = 0;

  /** Takes one of a node. */
  add(node: string, { path, error }: FileProblem): void {
    const alike = this.#find(oneLine(error));
    if (!alike) {
      this.#more += 1;
      return;
    }
    const known = alike.paths.get(oneLine(path));
    if (known) known.add(node);
    else if (alike.paths.size < alikeMax) alike.paths.set(oneLine(path), new Set([node]));
    else {
      alike.more += 1;
      alike.moreNodes.add(node);
    }
  }

  /** A line for each different one, without "drover: " in front. */
  render(): string[] {
    const lines = [...this.#alike].flatMap(([error, alike]) => renderAlike(error, alike));
    return this.#more === 0 ? lines : [...lines, `${this.#more} further problems are not shown`];
  }

  #find(error: string): Alike | undefined {
    const known = this.#alike.get(error);
    if (known || this.#alike.size >= problemsMax) return known;
    const alike = { paths: new Map(), more: 0, moreNodes: new Set<string>() };
    this.#alike.set(error, alike);
    return alike;
  }
}

function renderAlike(error: string, { paths, more, moreNodes }: Alike): string[] {
  const lines = [...paths].map(([path, nodes]) => {
    return `${foldNodeNames([...nodes])}: ${path === '' ? '' : `${path}: `}${error}`;
  });
  if (more === 0) return lines;
  const files = more === 1 ? '1 more file' : `${more} more files`;
  return [...lines, `${foldNodeNames([...moreNodes])}: ${files}: ${error}`];
}
