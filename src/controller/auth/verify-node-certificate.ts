/**
 * Whether a certificate that no TLS library has judged is one of this cluster's nodes. An expired one cannot be judged by TLS: there a
 * forged one and a genuine one read the same. Every property is looked at here, its signatures up to the root included. Whether
 * the node is still known, and whether the caller has the key, are for others to say.
 *
 * @see https://www.rfc-editor.org/rfc/rfc5280#section-6
 */
import 'reflect-metadata';
import type { webcrypto } from 'node:crypto';
import {
  BasicConstraintsExtension,
  ExtendedKeyUsage,
  ExtendedKeyUsageExtension,
  KeyUsageFlags,
  KeyUsagesExtension,
  X509Certificate,
} from '@peculiar/x509';
import { generationOf } from '#core/certificate-generation.ts';
import { RefusedError } from '#protocol/errors.ts';
import { isNodeName, type NodeName } from '#protocol/ids.ts';
import { limits } from '#protocol/limits.ts';
import { keyFingerprint } from './certificate-request.ts';

/** What a genuine certificate says. */
export interface NodeCertificate {
  readonly name: NodeName;
  readonly publicKey: webcrypto.CryptoKey;
  /** SubjectPublicKeyInfo, DER. */
  readonly spki: Uint8Array;
  /** SHA-256 of that, hex. */
  readonly fingerprint: string;
  readonly generation: number;
}

/**
 * Reads and judges leaf and issuing CA, DER, leaf first.
 *
 * @param root of the cluster, DER.
 * @throws RefusedError RENEWAL_REFUSED
 */
export async function verifyNodeCertificate(
  chain: readonly Uint8Array[],
  root: Uint8Array,
  nowMs: number,
): Promise<NodeCertificate> {
  const [leaf, issuer, ...more] = chain.map(parse);
  if (!leaf || !issuer || more.length > 0) {
    throw refused("a node's certificate and its issuing CA's are wanted, and nothing else");
  }
  await requireIssuer(issuer, new X509Certificate(new Uint8Array(root)), nowMs);
  await requireSigned(leaf, issuer, 'the certificate is not one of this cluster');
  requirePurpose(leaf);
  requireTime(leaf, nowMs);
  const name = /^CN=(.*)$/.exec(leaf.subject)?.[1] ?? '';
  if (!isNodeName(name)) throw refused('the certificate names no node');
  const spki = new Uint8Array(leaf.publicKey.rawData);
  return {
    name,
    publicKey: await leaf.publicKey.export(),
    spki,
    fingerprint: keyFingerprint(spki),
    generation: generationOf(leaf.serialNumber),
  };
}

async function requireIssuer(issuer: X509Certificate, root: X509Certificate, nowMs: number): Promise<void> {
  await requireSigned(issuer, root, 'the issuing CA of the certificate is not one of this cluster');
  const isCa = issuer.getExtension(BasicConstraintsExtension)?.ca === true;
  const usages = issuer.getExtension(KeyUsagesExtension)?.usages ?? 0;
  if (!isCa || (usages & KeyUsageFlags.keyCertSign) === 0 || !isForClients(issuer)) {
    throw refused('the issuer of the certificate may not certify nodes');
  }
  if (nowMs > issuer.notAfter.getTime()) throw refused('the issuing CA of the certificate has expired');
}

/** By the names too, as a TLS library does. */
async function requireSigned(signed: X509Certificate, by: X509Certificate, why: string): Promise<void> {
  const isGood =
    signed.issuer === by.subject &&
    (await signed.verify({ publicKey: by.publicKey, signatureOnly: true }).catch(() => false));
  if (!isGood) throw refused(why);
}

function requirePurpose(leaf: X509Certificate): void {
  const isCa = leaf.getExtension(BasicConstraintsExtension)?.ca === true;
  if (isCa || !isForClients(leaf))
    throw refused('the certificate is none of a node: it is for another purpose');
}

/** And for nothing else. */
function isForClients(certificate: X509Certificate): boolean {
  const usages = certificate.getExtension(ExtendedKeyUsageExtension)?.usages ?? [];
  return usages.length === 1 && usages[0] === ExtendedKeyUsage.clientAuth;
}

function requireTime({ notBefore, notAfter }: X509Certificate, nowMs: number): void {
  if (nowMs < notBefore.getTime()) {
    throw refused(`the certificate is good from ${notBefore.toISOString()} on, and not before`);
  }
  if (nowMs <= notAfter.getTime() + limits.certificateGraceMs) return;
  const days = limits.certificateGraceMs / 86_400_000;
  throw refused(
    `the certificate expired at ${notAfter.toISOString()}, more than ${days} days ago: remove the node and let it join again`,
  );
}

function parse(der: Uint8Array): X509Certificate {
  try {
    return new X509Certificate(new Uint8Array(der));
  } catch (cause) {
    throw refused('the certificate is malformed', cause);
  }
}

function refused(message: string, cause?: unknown): RefusedError {
  return new RefusedError('RENEWAL_REFUSED', `cannot renew: ${message}`, [], { cause });
}
