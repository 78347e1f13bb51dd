/**
 * Takes secrets of ours out of a text by what they look like: operators' tokens, join tokens, and private keys in PEM. For whatever
 * is written for people: the audit, logs, messages. It knows no secrets of others: those do not belong into an argument vector.
 */

/** What stands in a secret's place. */
export const redacted = '[redacted]';

/** A token keeps what names it; base64url of 32 bytes is 43 characters, and a part of it is a secret too. */
const tokens = /\b(dv[a-z]{0,2}1\.[a-z0-9]{1,63})\.[A-Za-z0-9_-]{16,}(?:\.[A-Za-z0-9_-]+)*/g;

/** To its end, or to that of the text or of the JSON string that it is in, where its line breaks are escaped. */
const privateKeys = /-----BEGIN ([A-Z0-9 ]*PRIVATE KEY)-----[^"]*?(?:-----END \1-----|(?=\\*")|$)/g;

/** `text` without secrets. Twice is once. */
export function redactSecrets(text: string): string {
  if (!text.includes('dv') && !text.includes('PRIVATE KEY')) return text;
  return text.replace(tokens, `$1.${redacted}`).replace(privateKeys, `[redacted $1]`);
}
