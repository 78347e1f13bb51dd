/** How secrets are made, kept and compared: 256 random bits, kept as SHA-256, compared in constant time. */
import { createHash, randomBytes, timingSafeEqual } from 'node:crypto';

/** Bytes of every secret: beyond guessing, so that a fast hash is enough to keep it. */
export const secretBytes = 32;

/** A new secret. */
export function randomSecret(): Uint8Array {
  return randomBytes(secretBytes);
}

/** SHA-256 of a secret, hex, as the store keeps it. */
export function hashSecret(secret: Uint8Array): string {
  return createHash('sha256').update(secret).digest('hex');
}

/** Whether two hashes are the same; the time that it takes does not tell how much of them is. */
export function hashesEqual(a: string, b: string): boolean {
  const left = Buffer.from(a, 'hex');
  const right = Buffer.from(b, 'hex');
  return left.length === right.length && timingSafeEqual(left, right);
}

const idAlphabet = 'abcdefghijklmnopqrstuvwxyz234567';

/** An id of eight characters, 40 random bits: no secret, and short enough to type. */
export function randomId(): string {
  return Array.from(randomBytes(8), (byte) => idAlphabet.charAt(byte % idAlphabet.length)).join('');
}
