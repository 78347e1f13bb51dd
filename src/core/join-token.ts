/**
 * The text of a join token, `dv1.<id>.<secret>.<pin>`, to and fro: the controller that mints it and the agent that is
 * given it share this. Makes no secret, checks none, and knows nothing of who may use it.
 */
import { decodeBase64url, encodeBase64url } from './base64url.ts';

/** What a join token says. */
export interface JoinToken {
  /** Names it in the controller's store; no secret. Matches `[a-z0-9][a-z0-9-]{0,62}`. */
  readonly id: string;
  /** 32 random bytes. Whoever has them may join. */
  readonly secret: Uint8Array;
  /** SHA-256 of the DER of the cluster root's SubjectPublicKeyInfo, 32 bytes. */
  readonly pin: Uint8Array;
}

/** The text is not a join token. The message is one line that says which part is wrong, and never holds the secret. */
export class JoinTokenError extends Error {
  override readonly name = 'JoinTokenError';
}

/** Bytes of the secret and of the pin. */
const partBytes = 32;

const idPattern = /^[a-z0-9][a-z0-9-]{0,62}$/;

/** The token as text, the secret and the pin in base64url. */
export function formatJoinToken({ id, secret, pin }: JoinToken): string {
  return `dv1.${id}.${encodeBase64url(secret)}.${encodeBase64url(pin)}`;
}

/**
 * Reads a token, ignoring white space around it.
 *
 * @throws JoinTokenError
 */
export function parseJoinToken(text: string): JoinToken {
  const parts = text.trim().split('.');
  const [format = '', id = '', secret = '', pin = ''] = parts;
  if (format !== 'dv1') throw new JoinTokenError('not a join token: it does not begin with "dv1."');
  if (parts.length !== 4) {
    throw new JoinTokenError(`not a join token: it has ${parts.length} parts between dots instead of 4`);
  }
  if (!idPattern.test(id))
    throw new JoinTokenError(`not a join token: its id ${JSON.stringify(id)} is malformed`);
  return { id, secret: parsePart('secret', secret), pin: parsePart('pin', pin) };
}

function parsePart(name: string, text: string): Uint8Array {
  const bytes = decodeBase64url(text);
  if (!bytes) throw new JoinTokenError(`not a join token: its ${name} is not base64url`);
  if (bytes.length !== partBytes) {
    throw new JoinTokenError(
      `not a join token: its ${name} has ${bytes.length} bytes instead of ${partBytes}`,
    );
  }
  return bytes;
}
