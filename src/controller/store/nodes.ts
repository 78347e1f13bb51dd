/** Nodes, as rows. */
import { sql, type Updateable } from 'kysely';
import { HostFactsSchema } from '#protocol/gen/drover/v1/node_pb.ts';
import type { NodeName } from '#protocol/ids.ts';
import { decodeOptional, decodeTexts, encodeOptional, encodeTexts } from './json-columns.ts';
import { changeList } from './keys.ts';
import type { Executor, NodesTable } from './schema.ts';
import { type NodeRecord, type NodeSession, StoreError } from './store.ts';

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
  });
}

/** @see StoreWriter.setAcknowledgedEvents */
export async function setAcknowledgedEvents(
  db: Executor,
  events: ReadonlyMap<NodeName, bigint>,
): Promise<void> {
  const changes = changeList([...events].map(([name, event]) => [name, { event: String(event) }]));
  const { numAffectedRows = 0n } = await sql`
    update nodes set acknowledged_event = change.value ->> 'event'
    from ${changes}
    where nodes.name = change.key`.execute(db);
  const missing = BigInt(events.size) - numAffectedRows;
  if (missing !== 0n) throw new StoreError('failed', `${missing} of ${events.size} nodes are not recorded`);
}

/** @see StoreWriter.updateNodesSeen */
export async function updateNodesSeen(db: Executor, seenAtMs: ReadonlyMap<NodeName, number>): Promise<void> {
  for (const [name, seen] of seenAtMs) {
    await db.updateTable('nodes').set({ seen_at: seen }).where('name', '=', name).execute();
  }
}

async function updateNode(db: Executor, name: NodeName, change: Updateable<NodesTable>): Promise<void> {
  const { numUpdatedRows } = await db
    .updateTable('nodes')
    .set(change)
    .where('name', '=', name)
    .executeTakeFirstOrThrow();
  if (numUpdatedRows === 0n) throw new StoreError('failed', `node ${name} is not recorded`);
}

function toNode(row: NodesTable): NodeRecord {
  return {
    name: row.name,
    keyFingerprint: row.key_fingerprint,
    labels: decodeTexts(row.labels),
    joinedAtMs: row.joined_at,
    seenAtMs: row.seen_at ?? undefined,
    address: row.address,
    version: row.version,
    facts: decodeOptional(HostFactsSchema, row.facts),
    journalId: row.journal_id,
    acknowledgedEvent: BigInt(row.acknowledged_event),
  };
}
