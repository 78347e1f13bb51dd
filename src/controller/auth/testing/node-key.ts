/** A node's key and certificate request, for tests: what the agent makes when it joins, and what a liar would make. */
import 'reflect-metadata';
import { createHash, KeyObject, webcrypto } from 'node:crypto';
import { Pkcs10CertificateRequestGenerator, SubjectAlternativeNameExtension } from '@peculiar/x509';

/** A private key (PEM), its request (DER) and the fingerprint of its public key. */
export interface NodeKey {
  readonly pem: string;
  readonly request: Uint8Array;
  readonly fingerprint: string;
}

/** Makes one; the options are lies or mistakes. */
export async function makeNodeKey({
  curve = 'P-256',
  commonName = 'any',
  dns = 'any.example',
} = {}): Promise<NodeKey> {
  const algorithm = { name: 'ECDSA', namedCurve: curve };
  const keys = await webcrypto.subtle.generateKey(algorithm, true, ['sign', 'verify']);
  const request = await Pkcs10CertificateRequestGenerator.create({
    name: `CN=${commonName}`,
    keys,
    signingAlgorithm: { name: 'ECDSA', hash: 'SHA-256' },
    extensions: [new SubjectAlternativeNameExtension([{ type: 'dns', value: dns }])],
  });
  const spki = new Uint8Array(await webcrypto.subtle.exportKey('spki', keys.publicKey));
  return {
    pem: KeyObject.from(keys.privateKey).export({ type: 'pkcs8', format: 'pem' }).toString(),
    request: new Uint8Array(request.rawData),
    fingerprint: createHash('sha256').update(spki).digest('hex'),
  };
}
