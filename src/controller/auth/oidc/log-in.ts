/**
 * Lets somebody in whom the identity provider knows: a user of that subject, made at the first login, with the roles that their groups
 * stand for now, and a token. One transaction, with its audit row.
 */

import { auditRecord } from '#controller/auth/audit-entry.ts';
import { isUserName, requireDescription, type UserDesk } from '#controller/auth/manage-users.ts';
import { recordUserToken } from '#controller/auth/record-user-token.ts';
import { makeUserToken } from '#controller/auth/user-tokens.ts';
import type { StoreWriter, UserRecord, UserTokenRecord } from '#controller/store/store.ts';
import { quote } from '#core/quote.ts';
import { RefusedError } from '#protocol/errors.ts';
import { Verb } from '#protocol/gen/drover/v1/options_pb.ts';
import type { Identity } from './identity-provider.ts';
import type { OidcConfig } from './oidc-config.ts';

/**
 * Logs in.
 *
 * @throws RefusedError DENIED for somebody without a name that a user can have, whose name another user has, who has no role
 *   here or is disabled; LIMIT.
 */
export async function logIn(
  { store, clock }: Pick<UserDesk, 'store' | 'clock'>,
  identity: Identity,
  config: Pick<OidcConfig, 'roles' | 'nameClaim' | 'tokenTtlMs'>,
  description: string,
): Promise<{ readonly text: string; readonly record: UserTokenRecord }> {
  requireDescription(description, 'token');
  const createdAtMs = clock.wallMs();
  return store.transact(async (writer) => {
    const user = await settleUser(writer, identity, config, createdAtMs);
    const made = makeUserToken({
      user: user.name,
      description,
      roles: [],
      verbs: [],
      createdAtMs,
      expiresAtMs: createdAtMs + config.tokenTtlMs,
    });
    await recordUserToken(writer, made.record);
    const request = { method: 'LogInByDevice', subject: identity.subject, roles: [...user.roles] };
    await writer.insertAudit(
      auditRecord({
        atMs: createdAtMs,
        who: user.name,
        verb: Verb.SELF,
        decision: 'allowed',
        targets: made.record.id,
        request,
      }),
    );
    return made;
  });
}

async function settleUser(
  writer: StoreWriter,
  { subject, name, groups }: Identity,
  { roles: rolesOf, nameClaim }: Pick<OidcConfig, 'roles' | 'nameClaim'>,
  nowMs: number,
): Promise<UserRecord> {
  const known = await writer.findUserBySubject(subject);
  const called = known?.name ?? name.toLowerCase();
  if (!known && !isUserName(called)) {
    throw new RefusedError(
      'DENIED',
      `the identity provider's ${nameClaim} is ${quote(name)}, which cannot be the name of a user`,
    );
  }
  if (known?.disabled) throw new RefusedError('DENIED', `user ${called} is disabled`);
  const roles = [...new Set(groups.flatMap((group) => rolesOf.get(group) ?? []))].sort();
  if (roles.length === 0)
    throw new RefusedError('DENIED', `none of the groups of ${called} stands for a role here`);
  if (!known && (await writer.findUser(called))) {
    throw new RefusedError(
      'DENIED',
      `there is another user ${called}, who does not come from the identity provider`,
    );
  }
  const user = known
    ? { ...known, roles }
    : { name: called, roles, disabled: false, subject, createdBy: '', createdAtMs: nowMs };
  if (known) await writer.updateUser(user);
  else await writer.insertUser(user);
  return user;
}
