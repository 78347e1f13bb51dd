/** Real certificates for tests: a root, and leaves of it that are good for what the tests need. */
import 'reflect-metadata';
import { KeyObject, webcrypto } from 'node:crypto';
import {
  BasicConstraintsExtension,
  ExtendedKeyUsage,
  ExtendedKeyUsageExtension,
  SubjectAlternativeNameExtension,
  type X509Certificate,
  X509CertificateGenerator,
} from '@peculiar/x509';
import { controllerServerName } from '#protocol/version.ts';

const signingAlgorithm = { name: 'ECDSA', hash: 'SHA-256' } as const;

/** A key and its certificate, PEM. */
export interface TestIdentity {
  readonly key: string;
  readonly certificate: string;
}

/** A cluster's certificates. */
export interface TestPki {
  /** PEM. */
  readonly root: string;
  readonly rootDer: Uint8Array;
  /** SHA-256 of the root's SubjectPublicKeyInfo. */
  readonly pin: Uint8Array;
  /** For a controller; `name` is the one that it is good for. */
  issueServer(name?: string): Promise<TestIdentity>;
  /** For a node. */
  issueNode(name: string): Promise<TestIdentity>;
  /** For the key in a request; DER. */
  certifyNode(name: string, publicKey: webcrypto.CryptoKey): Promise<Uint8Array>;
}

export async function makeTestPki(): Promise<TestPki> {
  const keys = await makeKeys();
  const root = await X509CertificateGenerator.createSelfSigned({
    ...validity(),
    name: 'CN=test root',
    keys,
    signingAlgorithm,
    extensions: [new BasicConstraintsExtension(true, undefined, true)],
  });
  const issue = (name: string, publicKey: webcrypto.CryptoKey, extensions: Parameters<typeof create>[0]) =>
    create(extensions, name, publicKey);
  const create = (
    extensions: (ExtendedKeyUsageExtension | SubjectAlternativeNameExtension)[],
    name: string,
    publicKey: webcrypto.CryptoKey,
  ) =>
    X509CertificateGenerator.create({
      ...validity(),
      subject: `CN=${name}`,
      issuer: root.subject,
      publicKey,
      signingKey: keys.privateKey,
      signingAlgorithm,
      extensions,
    });
  const node = (name: string, publicKey: webcrypto.CryptoKey) =>
    issue(name, publicKey, [new ExtendedKeyUsageExtension([ExtendedKeyUsage.clientAuth])]);
  const server = (name: string, publicKey: webcrypto.CryptoKey) =>
    issue('controller', publicKey, [
      new ExtendedKeyUsageExtension([ExtendedKeyUsage.serverAuth]),
      new SubjectAlternativeNameExtension([{ type: 'dns', value: name }]),
    ]);
  return {
    root: root.toString('pem'),
    rootDer: new Uint8Array(root.rawData),
    pin: new Uint8Array(await webcrypto.subtle.digest('SHA-256', root.publicKey.rawData)),
    issueServer: (name = controllerServerName) => withKey((publicKey) => server(name, publicKey)),
    issueNode: (name) => withKey((publicKey) => node(name, publicKey)),
    certifyNode: async (name, publicKey) => new Uint8Array((await node(name, publicKey)).rawData),
  };
}

async function withKey(
  certify: (publicKey: webcrypto.CryptoKey) => Promise<X509Certificate>,
): Promise<TestIdentity> {
  const keys = await makeKeys();
  const certificate = await certify(keys.publicKey);
  const key = KeyObject.from(keys.privateKey).export({ type: 'pkcs8', format: 'pem' }).toString();
  return { key, certificate: certificate.toString('pem') };
}

function makeKeys(): Promise<webcrypto.CryptoKeyPair> {
  return webcrypto.subtle.generateKey({ name: 'ECDSA', namedCurve: 'P-256' }, true, ['sign', 'verify']);
}

function validity() {
  const hourMs = 3_600_000;
  return { notBefore: new Date(Date.now() - hourMs), notAfter: new Date(Date.now() + hourMs) };
}
