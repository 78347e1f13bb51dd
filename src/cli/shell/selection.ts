/** The nodes that the prompt has selected, as a node set, and how they are shown. Pure. */
import { timestampMs } from '@bufbuild/protobuf/wkt';
import { formatDuration } from '#cli/output/format-duration.ts';
import { nodeStateWord } from '#core/liveness.ts';
import { expandNodeSet } from '#core/node-set/expand-node-set.ts';
import { foldNodeNames } from '#core/node-set/fold-node-names.ts';
import { parseNodeSet } from '#core/node-set/parse-node-set.ts';
import { type Node, NodeState } from '#protocol/gen/drover/v1/node_pb.ts';

/** How a selection is changed: replaced, added to, taken from. */
export type SelectionChange = '@' | '+' | '-';

/**
 * The selection after a change. What needs no cluster to be read is folded; labels and globs stay, so that nodes which join
 * later are selected too.
 *
 * @param set a union, where it is added or taken away: node sets have no parentheses.
 * @throws ExpressionError where `set` is malformed.
 */
export function changeSelection(selection: string, change: SelectionChange, set: string): string {
  if (change === '@') return fold(set);
  return fold([selection, ...operandsOf(set)].join(change === '+' ? ',' : '!'));
}

/** The set only adds, as `web1,@role=db` does. */
export function isUnion(set: string): boolean {
  return parseNodeSet(set).operands.every(({ operator }) => operator === 'union');
}

/** What a union adds. */
export function operandsOf(union: string): string[] {
  const { operands } = parseNodeSet(union);
  return operands.map(({ position }, i) =>
    union
      .slice(position, operands[i + 1]?.position)
      .trim()
      .replace(/,$/, '')
      .trim(),
  );
}

/** The set as short as it can be written, where that can be told without a cluster. */
function fold(set: string): string {
  const expression = parseNodeSet(set);
  const needsNodes = expression.operands.some(({ term }) => term.kind !== 'names');
  if (needsNodes) return set;
  return foldNodeNames(expandNodeSet(expression)) || set;
}

/**
 * The prompt for a selection.
 *
 * @param columns of the terminal: at the most half of them are the prompt's.
 */
export function renderPrompt(selection: string, folding: boolean, columns = 80): string {
  const set = selection.startsWith('@') ? selection : `@${selection}`;
  const end = folding ? ' => ' : '> ';
  const room = Math.max(Math.floor(columns / 2) - 'drover '.length - end.length, 8);
  const shown = set.length > room ? `${set.slice(0, room - 1)}…` : set;
  return `drover ${shown}${end}`;
}

/** How many there are, and a line for each state with its nodes, the good ones first. */
export function renderStates(nodes: readonly Node[], nowMs: number): string[] {
  const states = [...Map.groupBy(nodes, ({ state }) => state)].sort(([a], [b]) => rank(a) - rank(b));
  const width = Math.max(0, ...states.map(([state]) => nodeStateWord(state).length));
  const count = nodes.length === 1 ? '1 node' : `${nodes.length} nodes`;
  return [
    `${count}: ${foldNodeNames(nodes.map(({ name }) => name))}`,
    ...states.map(([state, those]) => {
      const names = foldNodeNames(those.map(({ name }) => name));
      const seen = state === NodeState.CONNECTED ? '' : lastSeen(those, nowMs);
      return `  ${nodeStateWord(state).padEnd(width)}  ${names}${seen}`;
    }),
  ];
}

function rank(state: NodeState): number {
  return state === NodeState.CONNECTED ? -1 : state;
}

/** When the one of them that was seen last was seen. */
function lastSeen(nodes: readonly Node[], nowMs: number): string {
  const seen = nodes.flatMap(({ seenAt }) => (seenAt ? [timestampMs(seenAt)] : []));
  if (seen.length === 0) return ', never seen';
  return `, ${nodes.length === 1 ? '' : 'last '}seen ${formatDuration(nowMs - Math.max(...seen))} ago`;
}
