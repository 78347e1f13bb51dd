/** Users, their tokens and roles, as rows. Hashes only: no secret comes here. */
import { sql } from 'kysely';
import { RuleSchema } from '#protocol/gen/drover/v1/access_pb.ts';
import { decodeMessages, decodeNames, encodeMessages, encodeNames } from './json-columns.ts';
import { changeList } from './keys.ts';
import type { Executor, RolesTable, UsersTable, UserTokensTable } from './schema.ts';
import { type RoleRecord, StoreError, type UserRecord, type UserTokenRecord } from './store.ts';

/** @see StoreReader.findUser */
export async function findUser(db: Executor, name: string): Promise<UserRecord | undefined> {
  const row = await db.selectFrom('users').selectAll().where('name', '=', name).executeTakeFirst();
  return row && toUser(row);
}

/** @see StoreReader.findUserBySubject */
export async function findUserBySubject(db: Executor, subject: string): Promise<UserRecord | undefined> {
  const row = await db.selectFrom('users').selectAll().where('subject', '=', subject).executeTakeFirst();
  return row && toUser(row);
}

/** @see StoreReader.listUsers */
export async function listUsers(db: Executor): Promise<UserRecord[]> {
  return (await db.selectFrom('users').selectAll().orderBy('name').execute()).map(toUser);
}

/** @see StoreWriter.insertUser */
export async function insertUser(db: Executor, user: UserRecord): Promise<void> {
  await db
    .insertInto('users')
    .values({ name: user.name, ...columnsOf(user) })
    .execute();
}

/** @see StoreWriter.updateUser */
export async function updateUser(db: Executor, user: UserRecord): Promise<void> {
  const { numUpdatedRows } = await db
    .updateTable('users')
    .set(columnsOf(user))
    .where('name', '=', user.name)
    .executeTakeFirstOrThrow();
  if (numUpdatedRows === 0n) throw new StoreError('failed', `user ${user.name} is not recorded`);
}

/** @see StoreWriter.removeUser */
export async function removeUser(db: Executor, name: string): Promise<void> {
  await db.deleteFrom('user_tokens').where('user_name', '=', name).execute();
  await db.deleteFrom('users').where('name', '=', name).execute();
}

/** @see StoreReader.findUserToken */
export async function findUserToken(db: Executor, id: string): Promise<UserTokenRecord | undefined> {
  const row = await db.selectFrom('user_tokens').selectAll().where('id', '=', id).executeTakeFirst();
  return row && toToken(row);
}

/** @see StoreReader.listUserTokens */
export async function listUserTokens(
  db: Executor,
  user: string | undefined,
  nowMs: number,
): Promise<UserTokenRecord[]> {
  const rows = await db
    .selectFrom('user_tokens')
    .selectAll()
    .where((eb) => eb.or([eb('expires_at', 'is', null), eb('expires_at', '>', nowMs)]))
    .$if(user !== undefined, (query) => query.where('user_name', '=', user ?? ''))
    .orderBy('created_at', 'desc')
    .orderBy('id')
    .execute();
  return rows.map(toToken);
}

/** @see StoreWriter.insertUserToken */
export async function insertUserToken(db: Executor, token: UserTokenRecord): Promise<void> {
  await db
    .insertInto('user_tokens')
    .values({
      id: token.id,
      user_name: token.user,
      description: token.description,
      roles: encodeNames(token.roles),
      verbs: encodeNames(token.verbs),
      secret_hash: token.secretHash,
      created_at: token.createdAtMs,
      expires_at: token.expiresAtMs ?? null,
      used_at: token.usedAtMs ?? null,
    })
    .execute();
}

/** @see StoreWriter.removeExpiredUserTokens */
export async function removeExpiredUserTokens(db: Executor, user: string, nowMs: number): Promise<void> {
  await db.deleteFrom('user_tokens').where('user_name', '=', user).where('expires_at', '<=', nowMs).execute();
}

/** @see StoreWriter.updateUserTokensUsed */
export async function updateUserTokensUsed(
  db: Executor,
  usedAtMs: ReadonlyMap<string, number>,
): Promise<void> {
  const changes = [...usedAtMs].map(([id, ms]) => [id, { used: ms }] as const);
  await sql`
    update user_tokens set used_at = cast(change.value ->> 'used' as bigint)
    from ${changeList(changes)} where user_tokens.id = change.key
  `.execute(db);
}

/** @see StoreWriter.revokeUserToken */
export async function revokeUserToken(db: Executor, id: string): Promise<boolean> {
  const { numDeletedRows } = await db
    .deleteFrom('user_tokens')
    .where('id', '=', id)
    .executeTakeFirstOrThrow();
  return numDeletedRows > 0n;
}

/** @see StoreReader.findRole */
export async function findRole(db: Executor, name: string): Promise<RoleRecord | undefined> {
  const row = await db.selectFrom('roles').selectAll().where('name', '=', name).executeTakeFirst();
  return row && toRole(row);
}

/** @see StoreReader.listRoles */
export async function listRoles(db: Executor): Promise<RoleRecord[]> {
  return (await db.selectFrom('roles').selectAll().orderBy('name').execute()).map(toRole);
}

/** @see StoreWriter.putRole */
export async function putRole(db: Executor, role: RoleRecord): Promise<void> {
  await removeRole(db, role.name);
  await db
    .insertInto('roles')
    .values({
      name: role.name,
      description: role.description,
      rules: encodeMessages(RuleSchema, role.rules),
      revision: role.revision,
      changed_by: role.changedBy,
      changed_at: role.changedAtMs,
    })
    .execute();
}

/** @see StoreWriter.removeRole */
export async function removeRole(db: Executor, name: string): Promise<boolean> {
  const { numDeletedRows } = await db.deleteFrom('roles').where('name', '=', name).executeTakeFirstOrThrow();
  return numDeletedRows > 0n;
}

function columnsOf(user: UserRecord): Omit<UsersTable, 'name'> {
  return {
    roles: encodeNames(user.roles),
    disabled: user.disabled ? 1 : null,
    subject: user.subject === '' ? null : user.subject,
    created_by: user.createdBy,
    created_at: user.createdAtMs,
  };
}

function toUser(row: UsersTable): UserRecord {
  return {
    name: row.name,
    roles: decodeNames(row.roles),
    disabled: row.disabled !== null,
    subject: row.subject ?? '',
    createdBy: row.created_by,
    createdAtMs: row.created_at,
  };
}

function toToken(row: UserTokensTable): UserTokenRecord {
  return {
    id: row.id,
    user: row.user_name,
    description: row.description,
    roles: decodeNames(row.roles),
    verbs: decodeNames(row.verbs),
    secretHash: row.secret_hash,
    createdAtMs: row.created_at,
    expiresAtMs: row.expires_at ?? undefined,
    usedAtMs: row.used_at ?? undefined,
  };
}

function toRole(row: RolesTable): RoleRecord {
  return {
    name: row.name,
    description: row.description,
    rules: decodeMessages(RuleSchema, row.rules),
    revision: row.revision,
    changedBy: row.changed_by,
    changedAtMs: row.changed_at,
  };
}
