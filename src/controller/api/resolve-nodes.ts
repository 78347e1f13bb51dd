/** From the text of a node set to nodes of this cluster, or to the refusal that says what is wrong with it. */
import type { NodeRecord, StoreReader } from '#controller/store/store.ts';
import { ExpressionError } from '#core/expression/expression-error.ts';
import { compareNames } from '#core/node-set/compare-names.ts';
import { foldNodeNames } from '#core/node-set/fold-node-names.ts';
import type { NodeSetExpression } from '#core/node-set/node-set-expression.ts';
import { parseNodeSet } from '#core/node-set/parse-node-set.ts';
import { resolveNodeSet } from '#core/node-set/resolve-node-set.ts';
import { RefusedError } from '#protocol/errors.ts';

/**
 * The nodes of a set in natural order, without those of `exclude` (empty: nobody), never none.
 *
 * @throws RefusedError INVALID for a malformed set, NO_SUCH_NODE for names it spells out and no node has,
 *   NO_NODE_MATCHED when it matches nothing.
 */
export async function resolveNodes(
  reader: StoreReader,
  nodes: string,
  exclude = '',
): Promise<readonly NodeRecord[]> {
  const records = await reader.listNodes();
  const excluded = new Set(exclude === '' ? [] : existing(exclude, records));
  const names = existing(nodes, records).filter((name) => !excluded.has(name));
  if (names.length === 0) {
    const without = exclude === '' ? '' : ` without ${JSON.stringify(exclude)}`;
    throw new RefusedError('NO_NODE_MATCHED', `no node matches ${JSON.stringify(nodes)}${without}`, [nodes]);
  }
  const byName = new Map(records.map((record) => [record.name as string, record]));
  return names.flatMap((name) => byName.get(name) ?? []);
}

/** Names of the set, all of which exist. */
function existing(nodes: string, records: readonly NodeRecord[]): readonly string[] {
  const { names, unknown } = resolveNodeSet(parse(nodes), records);
  if (unknown.length === 0) return names;
  throw new RefusedError('NO_SUCH_NODE', `no such node: ${foldNodeNames(unknown)}`, unknown);
}

/** The same where an empty set means every node, and there may be none. */
export async function resolveNodesOrAll(reader: StoreReader, nodes: string): Promise<readonly NodeRecord[]> {
  if (nodes !== '') return resolveNodes(reader, nodes);
  return [...(await reader.listNodes())].sort((a, b) => compareNames(a.name, b.name));
}

function parse(nodes: string): NodeSetExpression {
  try {
    return parseNodeSet(nodes);
  } catch (cause) {
    if (cause instanceof ExpressionError) throw new RefusedError('INVALID', cause.message, [], { cause });
    throw cause;
  }
}
