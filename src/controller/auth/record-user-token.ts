/** The one way in which a token of a user is recorded: those that have expired go, and of the others there is a most. */
import type { StoreWriter, UserTokenRecord } from '#controller/store/store.ts';
import { RefusedError } from '#protocol/errors.ts';
import { limits } from '#protocol/limits.ts';

/** Records it. @throws RefusedError LIMIT */
export async function recordUserToken(writer: StoreWriter, token: UserTokenRecord): Promise<void> {
  const { user, createdAtMs } = token;
  await writer.removeExpiredUserTokens(user, createdAtMs);
  const { length } = await writer.listUserTokens(user, createdAtMs);
  if (length >= limits.userTokensMax) {
    throw new RefusedError(
      'LIMIT',
      `user ${user} has ${length} tokens already: revoke some, or wait until some expire`,
    );
  }
  await writer.insertUserToken(token);
}
