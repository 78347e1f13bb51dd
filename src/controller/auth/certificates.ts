/**
 * Makes the certificates of a cluster: what each may be used for, and for how long. Keeps none and reads none;
 * certificate-authority.ts does.
 *
 *   root (10 y) ─┬─ issuing CA "node" (5 y, clientAuth) ─────── nodes (7 d)
 *                └─ issuing CA "controller" (5 y, serverAuth) ── controller (2 y)
 *
 * The issuing CAs carry the purpose too, so that neither can ever vouch for the other's kind.
 *
 * @see https://www.rfc-editor.org/rfc/rfc5280#section-4.2.1.12
 */
import 'reflect-metadata';
import { randomBytes, webcrypto } from 'node:crypto';
import {
  AuthorityKeyIdentifierExtension,
  BasicConstraintsExtension,
  cryptoProvider,
  ExtendedKeyUsage,
  ExtendedKeyUsageExtension,
  type Extension,
  KeyUsageFlags,
  KeyUsagesExtension,
  SubjectAlternativeNameExtension,
  SubjectKeyIdentifierExtension,
  type X509Certificate,
  X509CertificateGenerator,
} from '@peculiar/x509';
import { encodeGeneration } from '#core/certificate-generation.ts';

cryptoProvider.set(webcrypto);

const dayMs = 24 * 3_600_000;
const yearMs = 365 * dayMs;

/** How long each kind of certificate is good for, milliseconds. */
export const certificateLifeMs = {
  root: 10 * yearMs,
  issuing: 5 * yearMs,
  /** Renewed in its second half. */
  controller: 2 * yearMs,
  /** Short, since a node's key is the one most likely to be stolen. */
  node: 7 * dayMs,
} as const;

/** A certificate is good from so long before it was made, for clocks that are behind. */
const backdatedMs = 5 * 60_000;

const keyAlgorithm = { name: 'ECDSA', namedCurve: 'P-256' } as const;
const signingAlgorithm = { name: 'ECDSA', hash: 'SHA-256' } as const;

/** A certificate together with its private key. */
export interface Identity {
  readonly certificate: X509Certificate;
  readonly privateKey: webcrypto.CryptoKey;
}

/** A new key pair on P-256, extractable so that it can be kept. */
export async function generateKeys(): Promise<webcrypto.CryptoKeyPair> {
  return webcrypto.subtle.generateKey(keyAlgorithm, true, ['sign', 'verify']);
}

/** The cluster's root: signs issuing CAs and nothing else. `cluster` keeps the roots of two clusters apart by name. */
export async function issueRoot(cluster: string, nowMs: number): Promise<Identity> {
  const keys = await generateKeys();
  const certificate = await X509CertificateGenerator.createSelfSigned({
    ...validity(nowMs, certificateLifeMs.root),
    name: commonName(`drover root ${cluster}`),
    keys,
    signingAlgorithm,
    extensions: [
      new BasicConstraintsExtension(true, 1, true),
      new KeyUsagesExtension(KeyUsageFlags.keyCertSign | KeyUsageFlags.cRLSign, true),
      await SubjectKeyIdentifierExtension.create(keys.publicKey),
    ],
  });
  return { certificate, privateKey: keys.privateKey };
}

/** An issuing CA for clients ("node") or for servers ("controller"). */
export async function issueIssuingCa(
  root: Identity,
  kind: 'node' | 'controller',
  nowMs: number,
): Promise<Identity> {
  const keys = await generateKeys();
  const certificate = await issue(root, keys.publicKey, {
    name: `drover ${kind} CA`,
    nowMs,
    lifeMs: certificateLifeMs.issuing,
    extensions: [
      new BasicConstraintsExtension(true, 0, true),
      new KeyUsagesExtension(KeyUsageFlags.keyCertSign | KeyUsageFlags.cRLSign, true),
      new ExtendedKeyUsageExtension([
        kind === 'node' ? ExtendedKeyUsage.clientAuth : ExtendedKeyUsage.serverAuth,
      ]),
    ],
  });
  return { certificate, privateKey: keys.privateKey };
}

/** The controller's own certificate, for these names and addresses. */
export async function issueController(
  issuer: Identity,
  names: ServerNames,
  nowMs: number,
): Promise<Identity> {
  const keys = await generateKeys();
  const certificate = await issue(issuer, keys.publicKey, {
    name: 'drover controller',
    nowMs,
    lifeMs: certificateLifeMs.controller,
    extensions: [
      ...leafExtensions(ExtendedKeyUsage.serverAuth),
      new SubjectAlternativeNameExtension([
        ...names.dns.map((value) => ({ type: 'dns' as const, value })),
        ...names.ip.map((value) => ({ type: 'ip' as const, value })),
      ]),
    ],
  });
  return { certificate, privateKey: keys.privateKey };
}

/** Whom a node's certificate is for. */
export interface NodeSubject {
  readonly name: string;
  readonly publicKey: webcrypto.CryptoKey;
  /** Of the node's certificates; from 1, below 2^32. */
  readonly generation: number;
}

/** A node's certificate: its name, its key and its generation; nothing that it asked for. */
export async function issueNode(
  issuer: Identity,
  { name, publicKey, generation }: NodeSubject,
  nowMs: number,
): Promise<X509Certificate> {
  return issue(issuer, publicKey, {
    name,
    nowMs,
    serialEnd: encodeGeneration(generation),
    lifeMs: certificateLifeMs.node,
    extensions: leafExtensions(ExtendedKeyUsage.clientAuth),
  });
}

/** What a server can be called by. */
export interface ServerNames {
  readonly dns: readonly string[];
  readonly ip: readonly string[];
}

interface IssueOptions {
  readonly name: string;
  readonly nowMs: number;
  readonly lifeMs: number;
  /** Last bytes of the serial number, hex. */
  readonly serialEnd?: string;
  readonly extensions: readonly Extension[];
}

async function issue(
  issuer: Identity,
  publicKey: webcrypto.CryptoKey,
  { name, nowMs, lifeMs, serialEnd, extensions }: IssueOptions,
): Promise<X509Certificate> {
  return X509CertificateGenerator.create({
    ...validity(nowMs, lifeMs, serialEnd),
    subject: commonName(name),
    issuer: issuer.certificate.subjectName,
    publicKey,
    signingKey: issuer.privateKey,
    signingAlgorithm,
    extensions: [
      ...extensions,
      await SubjectKeyIdentifierExtension.create(publicKey),
      await AuthorityKeyIdentifierExtension.create(issuer.certificate.publicKey),
    ],
  });
}

function leafExtensions(purpose: ExtendedKeyUsage): Extension[] {
  return [
    new BasicConstraintsExtension(false, undefined, true),
    new KeyUsagesExtension(KeyUsageFlags.digitalSignature, true),
    new ExtendedKeyUsageExtension([purpose]),
  ];
}

/** A positive serial number of 126 random bits (RFC 5280 4.1.2.2), and the time that the certificate is good for. */
function validity(nowMs: number, lifeMs: number, serialEnd = '') {
  const serial = randomBytes(16);
  serial[0] = ((serial[0] ?? 0) & 0x7f) | 0x40;
  return {
    serialNumber: serial.toString('hex') + serialEnd,
    notBefore: new Date(nowMs - backdatedMs),
    notAfter: new Date(nowMs + lifeMs),
  };
}

function commonName(value: string) {
  return [{ CN: [value] }];
}
