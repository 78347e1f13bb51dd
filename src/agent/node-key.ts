/** The node's own key and the request to certify it. The key never leaves the node. */
// The certificate library's decorators need it first.
import 'reflect-metadata';
import { KeyObject, webcrypto } from 'node:crypto';
import { Pkcs10CertificateRequestGenerator } from '@peculiar/x509';

/** A new key with the request for its certificate. */
export interface NodeKey {
  /** PKCS #8, PEM. A secret. */
  readonly key: string;
  /** PKCS #10, DER. */
  readonly certificateRequest: Uint8Array;
}

/** Makes an ECDSA P-256 key and a certificate request for `name`, signed with it. */
export async function makeNodeKey(name: string): Promise<NodeKey> {
  const keys = await webcrypto.subtle.generateKey({ name: 'ECDSA', namedCurve: 'P-256' }, true, [
    'sign',
    'verify',
  ]);
  const request = await Pkcs10CertificateRequestGenerator.create({
    name: [{ CN: [name] }],
    keys,
    signingAlgorithm: { name: 'ECDSA', hash: 'SHA-256' },
  });
  const key = KeyObject.from(keys.privateKey).export({ type: 'pkcs8', format: 'pem' });
  return { key: key.toString(), certificateRequest: new Uint8Array(request.rawData) };
}
