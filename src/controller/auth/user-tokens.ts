/** Tokens by which users call the API, `dvo1.<id>.<secret>`: their text, and how new ones are made. Says nothing of what they allow. */
import type { UserTokenRecord } from '#controller/store/store.ts';
import { decodeBase64url, encodeBase64url } from '#core/base64url.ts';
import { hashSecret, randomId, randomSecret, secretBytes } from './secrets.ts';

const idPattern = /^[a-z0-9]{1,63}$/;

/** What is to be recorded of a token beside its secret. */
export type UserTokenWish = Omit<UserTokenRecord, 'id' | 'secretHash' | 'usedAtMs'>;

/** A new token: its text, which is in no other place, and what is to be recorded. */
export function makeUserToken(wish: UserTokenWish): {
  readonly text: string;
  readonly record: UserTokenRecord;
} {
  const id = randomId();
  const secret = randomSecret();
  return {
    text: `dvo1.${id}.${encodeBase64url(secret)}`,
    record: { ...wish, id, secretHash: hashSecret(secret), usedAtMs: undefined },
  };
}

/** The parts of a token's text; undefined for what is none. */
export function parseUserToken(
  text: string,
): { readonly id: string; readonly secretHash: string } | undefined {
  const [format, id = '', secret = '', ...rest] = text.split('.');
  if (format !== 'dvo1' || rest.length > 0 || !idPattern.test(id)) return undefined;
  const bytes = decodeBase64url(secret);
  return bytes?.length === secretBytes ? { id, secretHash: hashSecret(bytes) } : undefined;
}
