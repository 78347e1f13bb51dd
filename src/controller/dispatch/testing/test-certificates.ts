/** A small authority for tests: one root that signs the controller and its nodes. */
import 'reflect-metadata';
import { createHash, type webcrypto } from 'node:crypto';
import {
  BasicConstraintsExtension,
  type Extension,
  PemConverter,
  SubjectAlternativeNameExtension,
  X509CertificateGenerator,
} from '@peculiar/x509';
import { controllerServerName } from '#protocol/version.ts';

/** What one side of the link has. */
export interface TestIdentity {
  readonly cert: string;
  readonly key: string;
  readonly ca: string;
  /** SHA-256 of the public key (SPKI, DER), hex. */
  readonly fingerprint: string;
}

/** From when to when a certificate is good. */
export interface Validity {
  readonly notBefore?: Date;
  readonly notAfter?: Date;
}

const keyAlgorithm = { name: 'ECDSA', namedCurve: 'P-256' };
const signingAlgorithm = { name: 'ECDSA', hash: 'SHA-256' };

/** Signs certificates. */
export class TestAuthority {
  readonly #keys: webcrypto.CryptoKeyPair;
  readonly #certificate: string;

  private constructor(keys: webcrypto.CryptoKeyPair, certificate: string) {
    this.#keys = keys;
    this.#certificate = certificate;
  }

  /** A new root. */
  static async create(): Promise<TestAuthority> {
    const keys = await newKeys();
    const root = await X509CertificateGenerator.createSelfSigned({
      name: 'CN=test root',
      keys,
      signingAlgorithm,
      extensions: [new BasicConstraintsExtension(true, undefined, true)],
    });
    return new TestAuthority(keys, root.toString('pem'));
  }

  /** The controller's. */
  controller(): Promise<TestIdentity> {
    const names = [{ type: 'dns', value: controllerServerName } as const];
    return this.#issue('controller', [new SubjectAlternativeNameExtension(names)]);
  }

  /** A node's, with a key of its own; by default good for a year. */
  node(name: string, validity: Validity = {}): Promise<TestIdentity> {
    return this.#issue(name, [], validity);
  }

  async #issue(name: string, extensions: Extension[], validity: Validity = {}): Promise<TestIdentity> {
    const keys = await newKeys();
    const certificate = await X509CertificateGenerator.create({
      ...validity,
      subject: `CN=${name}`,
      issuer: 'CN=test root',
      publicKey: keys.publicKey,
      signingKey: this.#keys.privateKey,
      signingAlgorithm,
      extensions,
    });
    const [spki, pkcs8] = await Promise.all([
      crypto.subtle.exportKey('spki', keys.publicKey),
      crypto.subtle.exportKey('pkcs8', keys.privateKey),
    ]);
    return {
      cert: certificate.toString('pem'),
      key: PemConverter.encode(pkcs8, 'PRIVATE KEY'),
      ca: this.#certificate,
      fingerprint: createHash('sha256').update(new Uint8Array(spki)).digest('hex'),
    };
  }
}

function newKeys(): Promise<webcrypto.CryptoKeyPair> {
  return crypto.subtle.generateKey(keyAlgorithm, true, ['sign', 'verify']);
}
