/** The first user, "admin", and the token that a controller makes where nobody could use it otherwise. */
import type { Clock } from '#base/clock.ts';
import type { Store } from '#controller/store/store.ts';
import { makeUserToken } from './user-tokens.ts';

const name = 'admin';

/**
 * Makes a token for the user "admin" that does not expire, and the user where there is none; one who is disabled or was not
 * admin is again. The store has both when this resolves.
 *
 * @returns the text of the token: a secret.
 */
export async function createAdminToken(store: Store, clock: Clock): Promise<string> {
  const createdAtMs = clock.wallMs();
  const { text, record } = makeUserToken({
    user: name,
    description: 'made by the controller',
    roles: [],
    verbs: [],
    createdAtMs,
    expiresAtMs: undefined,
  });
  await store.transact(async (writer) => {
    const user = await writer.findUser(name);
    const roles = [...new Set([...(user?.roles ?? []), 'admin'])].sort();
    if (user) await writer.updateUser({ ...user, roles, disabled: false });
    else await writer.insertUser({ name, roles, disabled: false, subject: '', createdBy: '', createdAtMs });
    await writer.insertUserToken(record);
  });
  return text;
}
