/** The key that signs the audit's checkpoints: Ed25519, its own and nothing else's, in a file for its owner only. */
import { createPrivateKey, generateKeyPairSync, type KeyObject } from 'node:crypto';
import { readFile, stat } from 'node:fs/promises';
import { writeFileAtomic } from '#base/atomic-file.ts';

/** The key cannot be used. Its message is one line, and names the file. */
export class AuditKeyError extends Error {
  override readonly name = 'AuditKeyError';
}

/**
 * The key in `path`, PKCS #8 PEM.
 *
 * @param make whether to make one where there is none; else it must be there.
 * @throws AuditKeyError where it is missing, not Ed25519, or can be read by others than its owner.
 */
export async function openAuditKey(path: string, make: boolean): Promise<KeyObject> {
  const pem = await readKey(path);
  if (pem !== undefined) return parseKey(pem, path);
  if (!make) throw new AuditKeyError(`there is no key of the audit in ${path}`);
  const { privateKey } = generateKeyPairSync('ed25519');
  await writeFileAtomic(path, privateKey.export({ type: 'pkcs8', format: 'pem' }), 0o600);
  return privateKey;
}

async function readKey(path: string): Promise<string | undefined> {
  try {
    const { mode } = await stat(path);
    if ((mode & 0o077) === 0) return await readFile(path, 'utf8');
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw new AuditKeyError(`cannot read the key of the audit in ${path}`, { cause });
  }
  throw new AuditKeyError(`others than its owner can read the key of the audit in ${path}: chmod 600 it`);
}

function parseKey(pem: string, path: string): KeyObject {
  try {
    const key = createPrivateKey(pem);
    if (key.asymmetricKeyType === 'ed25519') return key;
  } catch (cause) {
    throw new AuditKeyError(`${path} is no private key in PEM`, { cause });
  }
  throw new AuditKeyError(`the key of the audit in ${path} is not Ed25519`);
}
