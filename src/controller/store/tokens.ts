/** Tokens of joining nodes, as rows. Hashes only: no secret comes here. */
import { decodeTexts, encodeTexts } from './json-columns.ts';
import type { Executor, JoinTokensTable } from './schema.ts';
import type { JoinTokenRecord } from './store.ts';

/** @see StoreReader.listJoinTokens */
export async function listJoinTokens(db: Executor, nowMs: number): Promise<JoinTokenRecord[]> {
  const rows = await db
    .selectFrom('join_tokens')
    .selectAll()
    .where('uses_left', '>', 0)
    .where('expires_at', '>', nowMs)
    .orderBy('created_at', 'desc')
    .orderBy('id')
    .execute();
  return rows.map(toJoinToken);
}

/** @see StoreReader.findJoinToken */
export async function findJoinToken(db: Executor, id: string): Promise<JoinTokenRecord | undefined> {
  const row = await db.selectFrom('join_tokens').selectAll().where('id', '=', id).executeTakeFirst();
  return row && toJoinToken(row);
}

/** @see StoreWriter.insertJoinToken */
export async function insertJoinToken(db: Executor, token: JoinTokenRecord): Promise<void> {
  await db
    .insertInto('join_tokens')
    .values({
      id: token.id,
      secret_hash: token.secretHash,
      names: token.names,
      labels: encodeTexts(token.labels),
      uses_left: token.usesLeft,
      created_by: token.createdBy,
      created_at: token.createdAtMs,
      expires_at: token.expiresAtMs,
    })
    .execute();
}

/** @see StoreWriter.consumeJoinToken */
export async function consumeJoinToken(
  db: Executor,
  id: string,
  secretHash: string,
  nowMs: number,
): Promise<boolean> {
  const { numUpdatedRows } = await db
    .updateTable('join_tokens')
    .set((eb) => ({ uses_left: eb('uses_left', '-', 1) }))
    .where('id', '=', id)
    .where('secret_hash', '=', secretHash)
    .where('uses_left', '>', 0)
    .where('expires_at', '>', nowMs)
    .executeTakeFirstOrThrow();
  return numUpdatedRows > 0n;
}

/** @see StoreWriter.revokeJoinToken */
export async function revokeJoinToken(db: Executor, id: string): Promise<boolean> {
  const { numDeletedRows } = await db
    .deleteFrom('join_tokens')
    .where('id', '=', id)
    .executeTakeFirstOrThrow();
  return numDeletedRows > 0n;
}

function toJoinToken(row: JoinTokensTable): JoinTokenRecord {
  return {
    id: row.id,
    secretHash: row.secret_hash,
    names: row.names,
    labels: decodeTexts(row.labels),
    usesLeft: row.uses_left,
    createdBy: row.created_by,
    createdAtMs: row.created_at,
    expiresAtMs: row.expires_at,
  };
}
