/**
 * Makes and revokes tokens of users. Of one's own anybody may, but for no more and no longer than the token that is shown for
 * it: one that was taken away cannot be made to last. Other people's tokens are for those who manage users.
 */
import type { StoreWriter, UserRecord, UserTokenRecord } from '#controller/store/store.ts';
import { RoleError, requireVerbName } from '#core/access/compile-role.ts';
import { verbName } from '#core/access/verbs.ts';
import { quote } from '#core/quote.ts';
import { RefusedError } from '#protocol/errors.ts';
import { Verb } from '#protocol/gen/drover/v1/options_pb.ts';
import { limits } from '#protocol/limits.ts';
import { auditRecord } from './audit-entry.ts';
import { isAuthorizedEverywhere, type Operator } from './authorize.ts';
import { requireDescription, requireUser, type UserDesk } from './manage-users.ts';
import { recordUserToken } from './record-user-token.ts';
import { makeUserToken } from './user-tokens.ts';

/** What a token is to be good for, as in CreateUserTokenRequest. */
export interface UserTokenRequest {
  /** Empty for the caller. */
  readonly user: string;
  readonly description: string;
  readonly roles: readonly string[];
  readonly verbs: readonly string[];
  readonly ttlSeconds: bigint;
  readonly neverExpires: boolean;
}

/** Makes a token; it and its audit row are on disk when this resolves. @throws RefusedError INVALID, DENIED, NO_SUCH_USER, LIMIT */
export async function mintUserToken(
  { store, clock }: UserDesk,
  operator: Operator,
  request: UserTokenRequest,
): Promise<{ readonly text: string; readonly record: UserTokenRecord }> {
  requireDescription(request.description, 'token');
  const verbs = requireVerbs(request.verbs);
  const name = request.user || operator.name;
  const managing = requireMayAct(operator, name);
  const createdAtMs = clock.wallMs();
  return store.transact(async (writer) => {
    const user = await requireUser(writer, name);
    requireOwnRoles(user, request.roles);
    const shown = managing ? undefined : await shownToken(writer, operator);
    const { roles, expiresAtMs, ...scope } = narrowed(shown, { ...request, verbs }, createdAtMs);
    const made = makeUserToken({
      user: name,
      description: request.description,
      roles,
      verbs: scope.verbs,
      createdAtMs,
      expiresAtMs,
    });
    await recordUserToken(writer, made.record);
    const asked = { method: 'CreateUserToken', user: name, roles: [...roles], verbs: [...scope.verbs] };
    await writer.insertAudit(
      auditRecord({
        atMs: createdAtMs,
        who: operator.name,
        verb: managing ? Verb.USER_MANAGE : Verb.SELF,
        decision: 'allowed',
        targets: made.record.id,
        request: { ...asked, expiresAtMs: expiresAtMs ?? null },
      }),
    );
    return made;
  });
}

/** Makes a token useless. @throws RefusedError NO_SUCH_TOKEN, also for one of others that the operator may not revoke. */
export async function revokeUserToken(
  { store, clock }: UserDesk,
  operator: Operator,
  id: string,
): Promise<void> {
  await store.transact(async (writer) => {
    const token = await writer.findUserToken(id);
    const own = token?.user === operator.name;
    if (!token || !(own || isAuthorizedEverywhere(operator, Verb.USER_MANAGE))) {
      throw new RefusedError('NO_SUCH_TOKEN', `no such token: ${quote(id)}`, [id.slice(0, 64)]);
    }
    await writer.revokeUserToken(id);
    await writer.insertAudit(
      auditRecord({
        atMs: clock.wallMs(),
        who: operator.name,
        verb: own ? Verb.SELF : Verb.USER_MANAGE,
        decision: 'allowed',
        targets: id,
        request: { method: 'RevokeUserToken', user: token.user },
      }),
    );
  });
}

/**
 * Whether the operator acts as one who manages users.
 *
 * @throws RefusedError DENIED for somebody else's account without that.
 */
export function requireMayAct(operator: Operator, user: string): boolean {
  const managing = isAuthorizedEverywhere(operator, Verb.USER_MANAGE);
  if (managing || user === operator.name) return managing;
  const verb = verbName(Verb.USER_MANAGE);
  throw new RefusedError('DENIED', `${operator.name} may not ${verb}, and ${quote(user)} is somebody else`);
}

interface Scope {
  readonly roles: readonly string[];
  readonly verbs: readonly string[];
  readonly expiresAtMs: number | undefined;
}

/** What the new token is good for: what is asked, within what the shown one is good for. @throws RefusedError DENIED, INVALID */
function narrowed(
  shown: UserTokenRecord | undefined,
  asked: Pick<UserTokenRequest, 'ttlSeconds' | 'neverExpires' | 'roles' | 'verbs'>,
  nowMs: number,
): Scope {
  return {
    roles: within('roles', shown?.roles ?? [], asked.roles),
    verbs: within('verbs', shown?.verbs ?? [], asked.verbs),
    expiresAtMs: expiry(shown?.expiresAtMs, asked, nowMs),
  };
}

function within(what: string, most: readonly string[], asked: readonly string[]): readonly string[] {
  if (asked.length === 0 || most.length === 0) return asked.length === 0 ? most : [...new Set(asked)].sort();
  const beyond = asked.filter((name) => !most.includes(name));
  if (beyond.length === 0) return [...new Set(asked)].sort();
  throw new RefusedError(
    'DENIED',
    `a token for the ${what} ${beyond.join(', ')} cannot be made with one that is not for them`,
  );
}

function expiry(
  most: number | undefined,
  { ttlSeconds, neverExpires }: Pick<UserTokenRequest, 'ttlSeconds' | 'neverExpires'>,
  nowMs: number,
): number | undefined {
  if (neverExpires && ttlSeconds !== 0n)
    throw new RefusedError('INVALID', 'a token that never expires has no time');
  if (neverExpires && most === undefined) return undefined;
  if (ttlSeconds * 1_000n > BigInt(limits.userTokenTtlMaxMs)) {
    const days = limits.userTokenTtlMaxMs / 86_400_000;
    throw new RefusedError(
      'INVALID',
      `a token can live for ${days} days at the most, or until it is revoked`,
    );
  }
  const asked = ttlSeconds === 0n ? undefined : nowMs + Number(ttlSeconds) * 1_000;
  if (most !== undefined && (neverExpires || (asked ?? 0) > most)) {
    throw new RefusedError(
      'DENIED',
      'a token that is made with another cannot be good for longer than that one',
    );
  }
  return asked ?? Math.min(nowMs + limits.userTokenTtlDefaultMs, most ?? Number.POSITIVE_INFINITY);
}

async function shownToken(writer: StoreWriter, { tokenId }: Operator): Promise<UserTokenRecord> {
  const token = await writer.findUserToken(tokenId);
  if (token) return token;
  throw new RefusedError('NOT_AUTHENTICATED', 'the token of this call was revoked');
}

function requireOwnRoles({ name, roles }: UserRecord, asked: readonly string[]): void {
  const missing = asked.find((role) => !roles.includes(role));
  if (missing === undefined) return;
  throw new RefusedError('INVALID', `user ${name} does not have the role ${quote(missing)}`);
}

function requireVerbs(names: readonly string[]): string[] {
  try {
    return names.map((name) => verbName(requireVerbName(name)));
  } catch (error) {
    if (error instanceof RoleError) throw new RefusedError('INVALID', error.message);
    throw error;
  }
}
