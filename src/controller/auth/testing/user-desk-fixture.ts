/** A store with users for tests: everything that managing them needs, and operators as they come out of authentication. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { FakeClock } from '#base/clock.ts';
import { createLog } from '#base/log.ts';
import { Authenticator } from '#controller/auth/authenticator.ts';
import type { Operator } from '#controller/auth/authorize.ts';
import type { UserDesk } from '#controller/auth/manage-users.ts';
import { makeUserToken, type UserTokenWish } from '#controller/auth/user-tokens.ts';
import { openSqliteStore } from '#controller/store/open-store.ts';
import type { Store } from '#controller/store/store.ts';

/** Disposing of it leaves nothing behind. */
export class UserDeskFixture implements UserDesk, AsyncDisposable {
  readonly store: Store;
  readonly clock: FakeClock;
  readonly authenticator: Authenticator;
  readonly #cleanup: AsyncDisposableStack;

  private constructor(store: Store, clock: FakeClock, cleanup: AsyncDisposableStack) {
    this.store = store;
    this.clock = clock;
    this.#cleanup = cleanup;
    const log = createLog('test', 'silent');
    this.authenticator = cleanup.use(new Authenticator({ store, clock, log }));
  }

  static async open(): Promise<UserDeskFixture> {
    await using opening = new AsyncDisposableStack();
    const directory = await mkdtemp(join(tmpdir(), 'drover-users-'));
    opening.defer(() => rm(directory, { recursive: true, force: true }));
    const store = opening.use(await openSqliteStore({ path: join(directory, 'drover.db') }));
    return new UserDeskFixture(store, new FakeClock(Date.now()), opening.move());
  }

  /** Records a user and a token. */
  async addUser(name: string, roles: readonly string[], token: Partial<UserTokenWish> = {}) {
    const createdAtMs = this.clock.wallMs();
    const scope = { description: '', roles: [], verbs: [], expiresAtMs: undefined, ...token };
    const made = makeUserToken({ user: name, createdAtMs, ...scope });
    await this.store.transact(async (writer) => {
      await writer.insertUser({ name, roles, disabled: false, subject: '', createdBy: '', createdAtMs });
      await writer.insertUserToken(made.record);
    });
    return made;
  }

  /** The operator that a token makes. */
  async operator(text: string): Promise<Operator> {
    const operator = await this.authenticator.authenticate(text);
    if (!operator) throw new Error('the token is not good');
    return operator;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#cleanup.disposeAsync();
  }
}
