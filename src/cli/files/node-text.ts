/**
 * Text that comes from many nodes: whole lines under the names of their nodes as they come, or at the end what is equal once. The
 * very bytes where somebody wants those of one node.
 */

import { paintNode } from '#cli/output/colors.ts';
import { LinePrefixer } from '#cli/output/line-prefixer.ts';
import type { Output } from '#cli/output/output.ts';
import { renderGroup } from '#cli/output/render-groups.ts';
import { OutputCollector } from '#core/fold-output/collect-output.ts';

/** How text is shown. */
export type TextStyle =
  /** As lines, control sequences removed, without a name in front: there is one node. */
  | 'plain'
  /** As lines, each under the name of its node. */
  | 'named'
  /** At the end, equal texts once. */
  | 'folded'
  /** Byte by byte. */
  | 'raw';

/** Shows the text of any number of nodes. */
export class NodeText {
  readonly #out: Output;
  readonly #style: TextStyle;
  readonly #lines = new Map<string, LinePrefixer>();
  readonly #collector = new OutputCollector();

  constructor(out: Output, style: TextStyle) {
    this.#out = out;
    this.#style = style;
  }

  /** Takes bytes of a node; resolves when the reader of our output takes more. */
  async push(node: string, data: Uint8Array): Promise<void> {
    if (this.#style === 'raw') this.#out.out(data);
    else this.#show(node, this.#linesOf(node).push(data));
    await this.#out.drained();
  }

  /** Takes whole lines of a node, whose control characters are out already. */
  async pushLines(node: string, lines: readonly string[]): Promise<void> {
    await this.push(node, Buffer.from(lines.map((line) => `${line}\n`).join('')));
  }

  /** No more comes from a node: what was held back is shown. */
  end(node: string): void {
    this.#show(node, this.#lines.get(node)?.end() ?? '');
    this.#lines.delete(node);
  }

  /** Shows what was collected. @param nodes those that count, with how each ended. */
  async finish(nodes: readonly { readonly node: string; readonly succeeded: boolean }[]): Promise<void> {
    for (const node of this.#lines.keys()) this.end(node);
    if (this.#style !== 'folded') return;
    const tasks = nodes.map(({ node, succeeded }) => ({
      id: node,
      node,
      ending: succeeded ? 'done' : 'failed',
      succeeded,
    }));
    const style = { width: this.#out.columns, colors: this.#out.outColors };
    for (const group of this.#collector.group(tasks)) {
      for (const line of renderGroup(group, style)) this.#out.outLine(line);
      await this.#out.drained();
    }
  }

  #linesOf(node: string): LinePrefixer {
    const known = this.#lines.get(node);
    if (known) return known;
    const prefix = this.#style === 'named' ? paintNode(node, `${node}: `, this.#out.outColors) : '';
    const lines = new LinePrefixer(prefix);
    this.#lines.set(node, lines);
    return lines;
  }

  #show(node: string, text: string): void {
    if (text === '') return;
    if (this.#style !== 'folded') this.#out.out(text);
    else for (const line of text.slice(0, -1).split('\n')) this.#collector.add(node, 'stdout', line);
  }
}
