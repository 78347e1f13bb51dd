/**
 * Checkpoints of the audit: which hash its row had at a moment, signed with Ed25519, one a line of JSON. Kept apart from the audit,
 * they show a tail that was cut, and a chain that was written anew.
 */
import { createHash, createPublicKey, type KeyObject, sign, verify } from 'node:crypto';
import { canonicalJson } from './canonical-json.ts';

/** That the audit went so far, and how it ended there. */
export interface AuditCheckpoint {
  /** Id of the cluster. */
  readonly cluster: string;
  /** The last row. */
  readonly sequence: number;
  /** Its hash, hex. */
  readonly hash: string;
  /** When this was signed, by the controller's clock. */
  readonly atMs: number;
}

/** What names a key: SHA-256 of its public half (SPKI, DER), hex. */
export function keyFingerprint(key: KeyObject): string {
  const half = key.type === 'private' ? createPublicKey(key) : key;
  return createHash('sha256')
    .update(half.export({ type: 'spki', format: 'der' }))
    .digest('hex');
}

/** A checkpoint as a line, without its end. @param key private, Ed25519. */
export function signCheckpoint(checkpoint: AuditCheckpoint, key: KeyObject): string {
  const signature = sign(null, signedText(checkpoint), key).toString('base64url');
  const { atMs: at, ...rest } = checkpoint;
  return canonicalJson({ ...rest, at, key: keyFingerprint(key), signature });
}

/**
 * The checkpoint of a line.
 *
 * @param keys public keys that are trusted, by their fingerprints.
 * @returns what is wrong with it, for a person, where it is none that one of them has signed.
 */
export function readCheckpoint(line: string, keys: ReadonlyMap<string, KeyObject>): AuditCheckpoint | string {
  const fields = parseFields(line);
  if (!fields) return 'is no checkpoint';
  const { cluster, sequence, hash, at: atMs, key: fingerprint, signature } = fields;
  const checkpoint = { cluster, sequence, hash, atMs };
  const key = keys.get(fingerprint);
  if (!key) return `is signed by a key that is not known here: ${fingerprint.slice(0, 16)}…`;
  const good = verify(null, signedText(checkpoint), key, Buffer.from(signature, 'base64url'));
  return good ? checkpoint : 'is not what was signed';
}

function signedText({ cluster, sequence, hash, atMs: at }: AuditCheckpoint): Buffer {
  return Buffer.from(canonicalJson({ what: 'drover audit checkpoint', cluster, sequence, hash, at }));
}

interface Fields {
  readonly cluster: string;
  readonly sequence: number;
  readonly hash: string;
  readonly at: number;
  readonly key: string;
  readonly signature: string;
}

function parseFields(line: string): Fields | undefined {
  try {
    const fields = JSON.parse(line) as Partial<Record<keyof Fields, unknown>> | null;
    const texts = [fields?.cluster, fields?.hash, fields?.key, fields?.signature];
    const numbers = [fields?.sequence, fields?.at];
    const isWhole = texts.every((text) => typeof text === 'string') && numbers.every(Number.isSafeInteger);
    return isWhole ? (fields as Fields) : undefined;
  } catch {
    return undefined;
  }
}
