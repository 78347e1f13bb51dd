/** Takes one node set out of another. */
import { UsageError } from '#base/command-line.ts';
import { parseNodeSet } from '#core/node-set/parse-node-set.ts';

/**
 * The set of the nodes of `nodes` that are not in `excluded`. Sets are evaluated from left to right and have no
 * parentheses, so `excluded` may only join its parts by commas.
 *
 * @throws NodeSetError when either is malformed. @throws UsageError when `excluded` has other operators.
 */
export function excludeNodes(nodes: string, excluded: string): string {
  parseNodeSet(nodes);
  const { text, operands } = parseNodeSet(excluded);
  if (operands.some(({ operator }) => operator !== 'union')) {
    throw new UsageError(`-x takes sets joined by commas only, not ${JSON.stringify(excluded)}`);
  }
  const parts = operands.map(({ position }, i) => {
    const end = operands[i + 1]?.position ?? text.length;
    return text.slice(position, end).trim().replace(/,$/, '').trim();
  });
  return [nodes, ...parts].join('!');
}
