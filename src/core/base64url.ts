/**
 * base64url without padding, for text that people carry from one machine to another (tokens). By hand, since core
 * has no platform: the engine's own is not in every Node.js that we run on. Not constant-time.
 *
 * @see RFC 4648, section 5
 */
const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';

const values = new Map([...alphabet].map((character, value) => [character, value]));

/** `bytes` as base64url without padding. */
export function encodeBase64url(bytes: Uint8Array): string {
  let text = '';
  for (let i = 0; i < bytes.length; i += 3) {
    const group = ((bytes[i] ?? 0) << 16) | ((bytes[i + 1] ?? 0) << 8) | (bytes[i + 2] ?? 0);
    const characters = Math.min(bytes.length - i, 3) + 1;
    for (let k = 0; k < characters; k++) text += alphabet.charAt((group >> (18 - 6 * k)) & 63);
  }
  return text;
}

/**
 * The bytes that `text` stands for; undefined when it is not what `encodeBase64url` writes: another alphabet, padding,
 * a length that no bytes have, or bits set after the last byte.
 */
export function decodeBase64url(text: string): Uint8Array | undefined {
  const bytes = new Uint8Array(Math.floor((text.length * 3) / 4));
  let bits = 0;
  let pending = 0;
  let length = 0;
  for (const character of text) {
    const value = values.get(character);
    if (value === undefined) return undefined;
    pending = ((pending << 6) | value) & 0xffff;
    bits += 6;
    if (bits >= 8) {
      bits -= 8;
      bytes[length++] = (pending >> bits) & 0xff;
    }
  }
  return encodeBase64url(bytes) === text ? bytes : undefined;
}
