/**
 * What is done to users and roles. Each is on disk with its audit row, or was not done; and nothing is done after which nobody
 * could manage users any more.
 */

import { toJson } from '@bufbuild/protobuf';
import type { Json } from '#base/canonical-json.ts';
import type { Clock } from '#base/clock.ts';
import type { RoleRecord, Store, StoreWriter, UserRecord } from '#controller/store/store.ts';
import { builtInRoles } from '#core/access/built-in-roles.ts';
import { compileRole, RoleError } from '#core/access/compile-role.ts';
import { isAllowedEverywhere } from '#core/access/decide-access.ts';
import { quote } from '#core/quote.ts';
import { RefusedError } from '#protocol/errors.ts';
import { type Role, type Rule, RuleSchema } from '#protocol/gen/drover/v1/access_pb.ts';
import { Verb } from '#protocol/gen/drover/v1/options_pb.ts';
import { auditRecord } from './audit-entry.ts';
import type { Authenticator } from './authenticator.ts';
import type { Operator } from './authorize.ts';
import { randomId } from './secrets.ts';

/** What managing users needs. */
export interface UserDesk {
  readonly store: Store;
  readonly clock: Clock;
  readonly authenticator: Authenticator;
}

/** Roles of one user: each is looked up with every call. */
const userRolesMax = 32;
/** Characters of what is written for people about a role or a token. */
export const descriptionMax = 256;

/** Names of roles; those of users may have an "@", since many identity providers call people by their mail address. */
const rolePattern = /^[a-z0-9][a-z0-9._-]{0,62}$/;
const userPattern = /^[a-z0-9][a-z0-9._@-]{0,62}$/;

/** Whether a user can be called so. */
export function isUserName(name: string): boolean {
  return userPattern.test(name);
}

/** Records a user. @throws RefusedError INVALID, USER_EXISTS, NO_SUCH_ROLE */
export async function createUser(
  desk: UserDesk,
  operator: Operator,
  wish: Pick<UserRecord, 'name' | 'roles'>,
): Promise<UserRecord> {
  const { name } = wish;
  if (!isUserName(name)) {
    throw new RefusedError('INVALID', `${quote(name)} cannot be the name of a user`, [name.slice(0, 64)]);
  }
  return change(desk, operator, 'CreateUser', name, { roles: [...wish.roles] }, async (writer) => {
    if (await writer.findUser(name)) {
      throw new RefusedError('USER_EXISTS', `there is a user ${name} already`, [name]);
    }
    const user = {
      name,
      roles: await requireRoles(writer, wish.roles),
      disabled: false,
      subject: '',
      createdBy: operator.name,
      createdAtMs: desk.clock.wallMs(),
    };
    await writer.insertUser(user);
    return user;
  });
}

/** What is to change of a user. */
export interface UserChange {
  readonly grant: readonly string[];
  readonly revoke: readonly string[];
  /** Undefined: as it is. */
  readonly disabled: boolean | undefined;
}

/** Changes a user. @throws RefusedError NO_SUCH_USER, NO_SUCH_ROLE, INVALID */
export async function changeUser(
  desk: UserDesk,
  operator: Operator,
  name: string,
  { grant, revoke, disabled }: UserChange,
): Promise<UserRecord> {
  if (grant.length + revoke.length === 0 && disabled === undefined) {
    throw new RefusedError('INVALID', 'nothing is named that is to change of the user');
  }
  const asked = { grant: [...grant], revoke: [...revoke], ...(disabled === undefined ? {} : { disabled }) };
  return change(desk, operator, 'ChangeUser', name, asked, async (writer) => {
    const user = await requireUser(writer, name);
    await requireRoles(writer, grant);
    const kept = user.roles.filter((role) => !revoke.includes(role));
    const roles = limited([...kept, ...grant]);
    const changed = { ...user, roles, disabled: disabled ?? user.disabled };
    await writer.updateUser(changed);
    return changed;
  });
}

/** Removes a user and their tokens. @throws RefusedError NO_SUCH_USER, INVALID */
export async function removeUser(desk: UserDesk, operator: Operator, name: string): Promise<void> {
  await change(desk, operator, 'RemoveUser', name, {}, async (writer) => {
    await requireUser(writer, name);
    await writer.removeUser(name);
  });
}

/** The user of that name. @throws RefusedError NO_SUCH_USER */
export async function requireUser(reader: Pick<StoreWriter, 'findUser'>, name: string): Promise<UserRecord> {
  const user = await reader.findUser(name);
  if (user) return user;
  throw new RefusedError('NO_SUCH_USER', `no such user: ${quote(name)}`, [name.slice(0, 64)]);
}

/** Records a role. @throws RefusedError INVALID, ROLE_EXISTS */
export async function createRole(
  desk: UserDesk,
  operator: Operator,
  role: Role | undefined,
  replace: boolean,
): Promise<RoleRecord> {
  const { name = '', description = '', rules = [] } = role ?? {};
  requireRole(name, description, rules);
  const asked = { rules: rules.map((rule) => toJson(RuleSchema, rule) as Json), replace };
  return change(desk, operator, 'CreateRole', name, asked, async (writer) => {
    if (!replace && (await writer.findRole(name))) {
      throw new RefusedError('ROLE_EXISTS', `there is a role ${name} already`, [name]);
    }
    const changedAtMs = desk.clock.wallMs();
    const record = { name, description, rules, revision: randomId(), changedBy: operator.name, changedAtMs };
    await writer.putRole(record);
    return record;
  });
}

/** Removes a role that nobody has. @throws RefusedError NO_SUCH_ROLE, INVALID */
export async function removeRole(desk: UserDesk, operator: Operator, name: string): Promise<void> {
  requireNotBuiltIn(name);
  await change(desk, operator, 'RemoveRole', name, {}, async (writer) => {
    const having = (await writer.listUsers()).filter(({ roles }) => roles.includes(name));
    if (having.length > 0) {
      const users = having.map((user) => user.name);
      const shown = users.slice(0, 10).join(', ') + (users.length > 10 ? ', …' : '');
      throw new RefusedError('INVALID', `cannot remove role ${name}: ${shown} have it`, users.slice(0, 100));
    }
    if (!(await writer.removeRole(name))) throw noSuchRole(name);
  });
}

/** That there is no role of that name. */
export function noSuchRole(name: string): RefusedError {
  return new RefusedError('NO_SUCH_ROLE', `no such role: ${quote(name)}`, [name.slice(0, 64)]);
}

async function change<T>(
  { store, clock, authenticator }: UserDesk,
  operator: Operator,
  method: string,
  target: string,
  asked: { readonly [key: string]: Json },
  work: (writer: StoreWriter) => Promise<T>,
): Promise<T> {
  return store.transact(async (writer) => {
    const result = await work(writer);
    await requireSomebody(writer, authenticator);
    await writer.insertAudit(
      auditRecord({
        atMs: clock.wallMs(),
        who: operator.name,
        verb: Verb.USER_MANAGE,
        decision: 'allowed',
        targets: target,
        request: { method, ...asked },
      }),
    );
    return result;
  });
}

/** @throws RefusedError INVALID where nobody could manage users any more. */
async function requireSomebody(writer: StoreWriter, authenticator: Authenticator): Promise<void> {
  for (const user of await writer.listUsers()) {
    if (user.disabled) continue;
    const grants = await authenticator.grantsOf(user, undefined, writer);
    if (isAllowedEverywhere(grants, Verb.USER_MANAGE)) return;
  }
  throw new RefusedError(
    'INVALID',
    'nobody could manage users after that: give somebody else the role admin first',
  );
}

async function requireRoles(writer: StoreWriter, names: readonly string[]): Promise<string[]> {
  for (const name of names) {
    if (!builtInRoles.has(name) && !(await writer.findRole(name))) throw noSuchRole(name);
  }
  return limited(names);
}

function limited(names: readonly string[]): string[] {
  const roles = [...new Set(names)].sort();
  if (roles.length <= userRolesMax) return roles;
  throw new RefusedError('LIMIT', `a user can have ${userRolesMax} roles at the most, not ${roles.length}`);
}

function requireRole(name: string, description: string, rules: readonly Rule[]): void {
  if (!rolePattern.test(name))
    throw new RefusedError('INVALID', `${quote(name)} cannot be the name of a role`);
  requireNotBuiltIn(name);
  requireDescription(description, 'role');
  try {
    compileRole(name, rules);
  } catch (error) {
    if (!(error instanceof RoleError)) throw error;
    throw new RefusedError('INVALID', `role ${name}: ${error.message}`);
  }
}

/** @throws RefusedError INVALID */
export function requireDescription(description: string, what: string): void {
  if (description.length <= descriptionMax) return;
  throw new RefusedError(
    'INVALID',
    `the description of a ${what} has ${descriptionMax} characters at the most, not ${description.length}`,
  );
}

function requireNotBuiltIn(name: string): void {
  if (!builtInRoles.has(name)) return;
  throw new RefusedError('INVALID', `every cluster has the role ${name}: it cannot be changed`);
}
