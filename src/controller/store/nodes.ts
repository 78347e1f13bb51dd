/** Nodes, as rows. */
import { sql, type Updateable } from 'kysely';
import { type HostFacts, HostFactsSchema } from '#protocol/gen/drover/v1/node_pb.ts';
import type { NodeName } from '#protocol/ids.ts';
import { decodeOptional, decodeTexts, encodeOptional, encodeTexts } from './json-columns.ts';
import { changeList, keyList } from './keys.ts';
import type { Executor, NodesTable, RemovedNodesTable } from './schema.ts';
import { type NodeDrain, type NodeRecord, type NodeSession, type RemovedNode, StoreError } from './store.ts';

/** @see StoreReader.findNode */
export async function findNode(db: Executor, name: NodeName): Promise<NodeRecord | undefined> {
  const row = await db.selectFrom('nodes').selectAll().where('name', '=', name).executeTakeFirst();
  return row && toNode(row);
}

/** @see StoreReader.findNodeByKey */
export async function findNodeByKey(db: Executor, keyFingerprint: string): Promise<NodeRecord | undefined> {
  const row = await db
    .selectFrom('nodes')
    .selectAll()
    .where('key_fingerprint', '=', keyFingerprint)
    .executeTakeFirst();
  return row && toNode(row);
}

/** @see StoreReader.listNodes */
export async function listNodes(db: Executor): Promise<NodeRecord[]> {
  const rows = await db.selectFrom('nodes').selectAll().orderBy('name').execute();
  return rows.map(toNode);
}

/** @see StoreWriter.insertNode */
export async function insertNode(db: Executor, node: NodeRecord): Promise<void> {
  await db
    .insertInto('nodes')
    .values({
      name: node.name,
      key_fingerprint: node.keyFingerprint,
      labels: encodeTexts(node.labels),
      joined_at: node.joinedAtMs,
      seen_at: node.seenAtMs ?? null,
      address: node.address,
      version: node.version,
      facts: encodeOptional(HostFactsSchema, node.facts),
      journal_id: node.journalId,
      acknowledged_event: String(node.acknowledgedEvent),
      generation: node.generation,
      generation_given: node.generation,
      ...encodeDrain(node.drain),
    })
    .execute();
}

/** @see StoreWriter.updateNodeSession */
export async function updateNodeSession(db: Executor, name: NodeName, session: NodeSession): Promise<void> {
  await updateNode(db, name, {
    address: session.address,
    version: session.version,
    facts: encodeOptional(HostFactsSchema, session.facts),
    seen_at: session.seenAtMs ?? null,
    journal_id: session.journalId,
    acknowledged_event: String(session.acknowledgedEvent),
    generation: session.generation,
  });
}

/**
 * Above those that were used too: a store that was put back from a copy knows less than the nodes.
 *
 * @see StoreWriter.nextGeneration
 */
export async function nextGeneration(db: Executor, name: NodeName): Promise<number> {
  const row = await db
    .updateTable('nodes')
    .set({
      generation_given: sql`1 + case when generation > generation_given then generation else generation_given end`,
    })
    .where('name', '=', name)
    .returning('generation_given')
    .executeTakeFirst();
  if (!row) throw new StoreError('failed', `node ${name} is not recorded`);
  return row.generation_given;
}

/** @see StoreWriter.confirmGeneration */
export async function confirmGeneration(db: Executor, name: NodeName, generation: number): Promise<void> {
  await db
    .updateTable('nodes')
    .set({ generation })
    .where('name', '=', name)
    .where('generation', '<', generation)
    .execute();
}

/** @see StoreWriter.setAcknowledgedEvents */
export async function setAcknowledgedEvents(
  db: Executor,
  events: ReadonlyMap<NodeName, bigint>,
): Promise<void> {
  const changes = changeList([...events].map(([name, event]) => [name, { event: String(event) }]));
  await sql`
    update nodes set acknowledged_event = change.value ->> 'event'
    from ${changes}
    where nodes.name = change.key`.execute(db);
}

/** @see StoreWriter.updateNodesSeen */
export async function updateNodesSeen(db: Executor, seenAtMs: ReadonlyMap<NodeName, number>): Promise<void> {
  const changes = changeList([...seenAtMs].map(([name, seen]) => [name, { seen }]));
  await sql`
    update nodes set seen_at = cast(change.value ->> 'seen' as bigint)
    from ${changes}
    where nodes.name = change.key`.execute(db);
}

/** @see StoreWriter.updateNodesFacts */
export async function updateNodesFacts(db: Executor, facts: ReadonlyMap<NodeName, HostFacts>): Promise<void> {
  const changes = changeList(
    [...facts].map(([name, ofNode]) => [name, { facts: encodeOptional(HostFactsSchema, ofNode) }]),
  );
  await sql`
    update nodes set facts = change.value ->> 'facts'
    from ${changes}
    where nodes.name = change.key`.execute(db);
}

/** @see StoreReader.listDrains */
export async function listDrains(db: Executor): Promise<ReadonlyMap<NodeName, NodeDrain>> {
  const rows = await db.selectFrom('nodes').selectAll().where('drain_reason', 'is not', null).execute();
  return new Map(
    rows.flatMap((row) => {
      const drain = decodeDrain(row);
      return drain ? [[row.name, drain] as const] : [];
    }),
  );
}

/** @see StoreReader.findRemovedNode */
export async function findRemovedNode(
  db: Executor,
  keyFingerprint: string,
): Promise<RemovedNode | undefined> {
  const row = await db
    .selectFrom('removed_nodes')
    .selectAll()
    .where('key_fingerprint', '=', keyFingerprint)
    .executeTakeFirst();
  return row && toRemoved(row);
}

/** @see StoreReader.listRemovedNodes */
export async function listRemovedNodes(db: Executor): Promise<RemovedNode[]> {
  return (await db.selectFrom('removed_nodes').selectAll().execute()).map(toRemoved);
}

/** @see StoreWriter.setNodeLabels */
export async function setNodeLabels(
  db: Executor,
  labels: ReadonlyMap<NodeName, Readonly<Record<string, string>>>,
): Promise<void> {
  for (const [name, ofNode] of labels) await updateNode(db, name, { labels: encodeTexts(ofNode) });
}

/** @see StoreWriter.setNodesDrain */
export async function setNodesDrain(
  db: Executor,
  names: readonly NodeName[],
  drain: NodeDrain | undefined,
): Promise<void> {
  await db.updateTable('nodes').set(encodeDrain(drain)).where('name', 'in', keyList(names)).execute();
}

/** @see StoreWriter.removeNode */
export async function removeNode(db: Executor, removed: RemovedNode): Promise<void> {
  const { numDeletedRows } = await db
    .deleteFrom('nodes')
    .where('name', '=', removed.name)
    .where('key_fingerprint', '=', removed.keyFingerprint)
    .executeTakeFirstOrThrow();
  if (numDeletedRows === 0n) throw new StoreError('failed', `node ${removed.name} is not recorded`);
  await db
    .insertInto('removed_nodes')
    .values({
      key_fingerprint: removed.keyFingerprint,
      name: removed.name,
      removed_at: removed.removedAtMs,
      removed_by: removed.removedBy,
    })
    .execute();
}

function toRemoved(row: RemovedNodesTable): RemovedNode {
  return {
    keyFingerprint: row.key_fingerprint,
    name: row.name,
    removedAtMs: row.removed_at,
    removedBy: row.removed_by,
  };
}

async function updateNode(db: Executor, name: NodeName, change: Updateable<NodesTable>): Promise<void> {
  const { numUpdatedRows } = await db
    .updateTable('nodes')
    .set(change)
    .where('name', '=', name)
    .executeTakeFirstOrThrow();
  if (numUpdatedRows === 0n) throw new StoreError('failed', `node ${name} is not recorded`);
}

/** The facts are decoded for whoever looks at them: most who list ten thousand nodes do not. */
function toNode(row: NodesTable): NodeRecord {
  let facts: { readonly decoded: HostFacts | undefined } | undefined;
  return {
    name: row.name,
    keyFingerprint: row.key_fingerprint,
    labels: decodeTexts(row.labels),
    joinedAtMs: row.joined_at,
    seenAtMs: row.seen_at ?? undefined,
    address: row.address,
    version: row.version,
    get facts() {
      facts ??= { decoded: decodeOptional(HostFactsSchema, row.facts) };
      return facts.decoded;
    },
    journalId: row.journal_id,
    acknowledgedEvent: BigInt(row.acknowledged_event),
    generation: row.generation,
    drain: decodeDrain(row),
  };
}

function encodeDrain(
  drain: NodeDrain | undefined,
): Pick<NodesTable, 'drain_reason' | 'drained_by' | 'drained_at'> {
  return {
    drain_reason: drain?.reason ?? null,
    drained_by: drain?.by ?? null,
    drained_at: drain?.atMs ?? null,
  };
}

function decodeDrain({
  drain_reason: reason,
  drained_by: by,
  drained_at: atMs,
}: NodesTable): NodeDrain | undefined {
  return reason === null ? undefined : { reason, by: by ?? '', atMs: atMs ?? 0 };
}
