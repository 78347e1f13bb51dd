/**
 * Operators' tokens, `dvo1.<id>.<secret>`: making the first one, and telling whose a token is. What an operator may do
 * is authorize.ts's business.
 */
import type { Clock } from '#base/clock.ts';
import type { Store, StoreReader } from '#controller/store/store.ts';
import { decodeBase64url, encodeBase64url } from '#core/base64url.ts';
import type { Operator } from './authorize.ts';
import { hashSecret, randomId, randomSecret, secretBytes } from './secrets.ts';

const idPattern = /^[a-z0-9]{1,63}$/;

/** The secret's hash, undefined where the text is not an operator's token. */
function hashOfToken(text: string): string | undefined {
  const [format, id = '', secret = '', ...rest] = text.split('.');
  if (format !== 'dvo1' || rest.length > 0 || !idPattern.test(id)) return undefined;
  const bytes = decodeBase64url(secret);
  return bytes?.length === secretBytes ? hashSecret(bytes) : undefined;
}

/** Whose token this is at `nowMs`; undefined for one that is malformed, unknown or expired. Looked up by its hash. */
export async function authenticate(
  reader: StoreReader,
  token: string,
  nowMs: number,
): Promise<Operator | undefined> {
  const hash = hashOfToken(token);
  const found = hash === undefined ? undefined : await reader.findOperatorToken(hash);
  if (!found || (found.expiresAtMs !== undefined && found.expiresAtMs <= nowMs)) return undefined;
  return { name: found.operator, role: found.role };
}

/** Makes a token for the operator "admin" that does not expire; the store has it when this resolves. */
export async function createAdminToken(store: Store, clock: Clock): Promise<string> {
  const id = randomId();
  const secret = randomSecret();
  await store.transact((writer) =>
    writer.insertOperatorToken({
      id,
      operator: 'admin',
      role: 'admin',
      secretHash: hashSecret(secret),
      createdAtMs: clock.wallMs(),
      expiresAtMs: undefined,
    }),
  );
  return `dvo1.${id}.${encodeBase64url(secret)}`;
}
