/**
 * Tells whose a token is and what that user has been given, from what the store says at that moment: a token that is revoked,
 * a user who is disabled and a role that is changed are so from the next question on. Decides nothing.
 */
import type { Clock } from '#base/clock.ts';
import type { Logger } from '#base/log.ts';
import type { Store, StoreReader, UserRecord, UserTokenRecord } from '#controller/store/store.ts';
import type { AccessRole } from '#core/access/access-rule.ts';
import { builtInRoles } from '#core/access/built-in-roles.ts';
import { compileRole } from '#core/access/compile-role.ts';
import type { Grants } from '#core/access/decide-access.ts';
import { findVerb } from '#core/access/verbs.ts';
import type { Verb } from '#protocol/gen/drover/v1/options_pb.ts';
import type { Operator } from './authorize.ts';
import { hashesEqual, hashSecret } from './secrets.ts';
import { parseUserToken } from './user-tokens.ts';

/** When a token was last used is written so seldom: a call must not cost a write. */
export const usedEveryMs = 60_000;

/** Compared with where there is no token of that id, so that the answer takes as long. */
const nobodysHash = hashSecret(new Uint8Array());

const unlimited = { roles: [], verbs: [] };

/** One controller's. Disposing of it waits for what it writes. */
export class Authenticator implements AsyncDisposable {
  readonly #store: Store;
  readonly #clock: Clock;
  readonly #log: Logger;
  /** Recorded roles as they were last read. */
  readonly #compiled = new Map<string, { readonly revision: string; readonly role: AccessRole }>();
  readonly #builtIn = new Map<string, AccessRole>();
  /** When tokens were last used, as far as that was written or is being written here. */
  readonly #used = new Map<string, number>();
  #writing: Promise<void> = Promise.resolve();

  constructor(parts: { readonly store: Store; readonly clock: Clock; readonly log: Logger }) {
    this.#store = parts.store;
    this.#clock = parts.clock;
    this.#log = parts.log;
    for (const { name, rules } of builtInRoles.values()) this.#builtIn.set(name, compileRole(name, rules));
  }

  /** Whose this token is; undefined for one that is malformed, unknown, expired or of a disabled user. @throws StoreError */
  async authenticate(text: string): Promise<Operator | undefined> {
    const { read } = this.#store;
    const parsed = parseUserToken(text);
    if (!parsed) return undefined;
    const token = await read.findUserToken(parsed.id);
    const isGood = hashesEqual(token?.secretHash ?? nobodysHash, parsed.secretHash);
    const nowMs = this.#clock.wallMs();
    if (!token || !isGood || (token.expiresAtMs !== undefined && token.expiresAtMs <= nowMs))
      return undefined;
    const user = await read.findUser(token.user);
    if (!user || user.disabled) return undefined;
    this.#noteUse(token, nowMs);
    return { name: user.name, tokenId: token.id, grants: await this.grantsOf(user, token) };
  }

  /**
   * What a user has been given, and of that what a token is good for; all, where none is named. A role that is not there grants
   * nothing.
   *
   * @param reader within a transaction its writer.
   * @throws StoreError
   */
  async grantsOf(
    user: Pick<UserRecord, 'roles'>,
    token: Pick<UserTokenRecord, 'roles' | 'verbs'> = unlimited,
    reader: StoreReader = this.#store.read,
  ): Promise<Grants> {
    const names = user.roles.filter((name) => token.roles.length === 0 || token.roles.includes(name));
    const roles = await Promise.all(names.map((name) => this.#role(reader, name)));
    return { roles: roles.filter((role) => role !== undefined), verbs: verbsOf(token) };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#writing;
  }

  async #role(reader: StoreReader, name: string): Promise<AccessRole | undefined> {
    const builtIn = this.#builtIn.get(name);
    if (builtIn) return builtIn;
    const record = await reader.findRole(name);
    const known = this.#compiled.get(name);
    if (!record) {
      this.#compiled.delete(name);
      return undefined;
    }
    if (known?.revision === record.revision) return known.role;
    const role = compileRole(name, record.rules);
    this.#compiled.set(name, { revision: record.revision, role });
    return role;
  }

  #noteUse(token: UserTokenRecord, nowMs: number): void {
    const lastMs = Math.max(token.usedAtMs ?? 0, this.#used.get(token.id) ?? 0);
    if (nowMs - lastMs < usedEveryMs) return;
    this.#used.set(token.id, nowMs);
    this.#writing = this.#writing.then(() => this.#writeUse(token.id, nowMs));
  }

  async #writeUse(id: string, atMs: number): Promise<void> {
    try {
      await this.#store.transact((writer) => writer.updateUserTokensUsed(new Map([[id, atMs]])));
    } catch (error) {
      this.#log.warn({ err: error, token: id }, 'cannot record that a token was used');
    } finally {
      // From here on the store says it.
      this.#used.delete(id);
    }
  }
}

function verbsOf({ verbs }: Pick<UserTokenRecord, 'verbs'>): ReadonlySet<Verb> | undefined {
  if (verbs.length === 0) return undefined;
  return new Set(verbs.map(findVerb).filter((verb) => verb !== undefined));
}
