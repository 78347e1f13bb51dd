/**
 * Reads a node's certificate request. Believes one thing of it, after the signature proved it: that the sender has
 * the private key of the public key inside. Names, extensions and everything else in it are ignored.
 */
import 'reflect-metadata';
import { createHash, type webcrypto } from 'node:crypto';
import { Pkcs10CertificateRequest } from '@peculiar/x509';
import { RefusedError } from '#protocol/errors.ts';

/** The key that a request proved possession of. */
export interface RequestedKey {
  readonly publicKey: webcrypto.CryptoKey;
  /** SHA-256 of the SubjectPublicKeyInfo, hex. */
  readonly fingerprint: string;
}

/**
 * Checks a PKCS #10 request in DER: a key on P-256, and its own signature by ECDSA with SHA-256.
 *
 * @throws RefusedError INVALID
 */
export async function verifyCertificateRequest(der: Uint8Array): Promise<RequestedKey> {
  try {
    const request = new Pkcs10CertificateRequest(new Uint8Array(der));
    requireAlgorithms(request);
    const publicKey = await request.publicKey.export();
    if (!(await request.verify())) throw new Error('its signature does not fit its key');
    const fingerprint = keyFingerprint(new Uint8Array(request.publicKey.rawData));
    return { publicKey, fingerprint };
  } catch (cause) {
    const why =
      cause instanceof RefusedError
        ? cause.message
        : 'certificate request is malformed or not signed by its own key';
    throw new RefusedError('INVALID', why, [], { cause });
  }
}

/** SHA-256 of a SubjectPublicKeyInfo in DER, hex: the identity of a node, and what a pin is compared with. */
export function keyFingerprint(spki: Uint8Array): string {
  return createHash('sha256').update(spki).digest('hex');
}

function requireAlgorithms(request: Pkcs10CertificateRequest): void {
  const { name, namedCurve = '' } = request.publicKey.algorithm as { name: string; namedCurve?: string };
  const { name: signature, hash } = request.signatureAlgorithm as { name: string; hash: { name: string } };
  if (name !== 'ECDSA' || namedCurve !== 'P-256') {
    throw new RefusedError(
      'INVALID',
      `certificate request has a key of another kind than ECDSA P-256: ${name} ${namedCurve}`.trimEnd(),
    );
  }
  if (signature !== 'ECDSA' || hash.name !== 'SHA-256') {
    throw new RefusedError(
      'INVALID',
      `certificate request is signed by ${signature} with ${hash.name}, only ECDSA with SHA-256 is taken`,
    );
  }
}
