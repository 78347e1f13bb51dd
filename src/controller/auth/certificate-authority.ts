/**
 * The cluster's certificates as they are kept in `<data>/pki`: made at the first start, the issuing CAs and the
 * controller's own renewed whenever they are found near their end. The root is never replaced: nodes pin its key.
 * Decides nothing about who may have a certificate; join-tokens.ts does.
 */
import 'reflect-metadata';
import { randomBytes } from 'node:crypto';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { type JsonGeneralNames, SubjectAlternativeNameExtension } from '@peculiar/x509';
import type { Clock } from '#base/clock.ts';
import { keyFingerprint } from './certificate-request.ts';
import {
  certificateLifeMs,
  type Identity,
  issueController,
  issueIssuingCa,
  issueNode,
  issueRoot,
  type NodeSubject,
  type ServerNames,
} from './certificates.ts';
import { encodePrivateKey, findIdentity, IdentityFileError, writeIdentity } from './identity-file.ts';

/** A certificate chain with its key, as node:tls takes them. */
export interface TlsIdentity {
  /** Private key, PEM. */
  readonly key: string;
  /** Leaf and issuing CA, PEM, leaf first. */
  readonly cert: string;
}

/** The certificates of a cluster. */
export interface CertificateAuthority {
  /** The root, PEM and DER. */
  readonly rootPem: string;
  readonly rootDer: Uint8Array;
  /** SHA-256 of the root's SubjectPublicKeyInfo, 32 bytes: the pin in join tokens. */
  readonly pin: Uint8Array;
  /** What both listeners serve with now. */
  readonly controller: TlsIdentity;
  /** Makes anew what is near its end; gives whether that changed what listeners serve with. @throws as opening does. */
  renew(): Promise<boolean>;
  /** A certificate for a node whose key is proved; with the issuing CA's, DER, leaf first. */
  issueNode(subject: NodeSubject): Promise<Uint8Array[]>;
}

/** Where the certificates are and what the controller is called. */
export interface CertificateAuthorityOptions {
  /** `<data>/pki`; made (0700) if need be. */
  readonly directory: string;
  readonly clock: Clock;
  /** Names and addresses of the controller's own certificate; it is made anew when they have changed. */
  readonly names: ServerNames;
  /** Nodes have pinned the root: where that is gone, that is an error and no beginning. Default false. */
  readonly isPinned?: boolean;
}

/**
 * Opens the authority, making what is missing and renewing what is near its end.
 *
 * @throws IdentityFileError when a file is damaged, or the root is gone though nodes have pinned it; the system's error when one cannot be written.
 */
export async function openCertificateAuthority(
  options: CertificateAuthorityOptions,
): Promise<CertificateAuthority> {
  await mkdir(options.directory, { recursive: true, mode: 0o700 });
  let issued = await settle(options);
  const { root } = issued;
  return {
    rootPem: `${root.certificate.toString('pem')}\n`,
    rootDer: new Uint8Array(root.certificate.rawData),
    pin: Buffer.from(keyFingerprint(new Uint8Array(root.certificate.publicKey.rawData)), 'hex'),
    get controller() {
      return issued.controller;
    },
    async renew() {
      const before = issued.controller.cert;
      issued = await settle({ ...options, isPinned: true });
      return issued.controller.cert !== before;
    },
    async issueNode(subject) {
      const { nodeCa } = issued;
      const leaf = await issueNode(nodeCa, subject, options.clock.wallMs());
      return [new Uint8Array(leaf.rawData), new Uint8Array(nodeCa.certificate.rawData)];
    },
  };
}

/** The file of the root; it is there from the first start on. */
export function rootCertificatePath(directory: string): string {
  return join(directory, 'root.pem');
}

/** What there is at one moment. */
interface Issued {
  readonly root: Identity;
  readonly nodeCa: Identity;
  readonly controller: TlsIdentity;
}

/** Finds what is kept and good for long enough, and makes the rest. */
async function settle(options: CertificateAuthorityOptions): Promise<Issued> {
  const { directory, clock, names, isPinned = false } = options;
  const nowMs = clock.wallMs();
  const rootPath = rootCertificatePath(directory);
  const keep = (name: string, fits: (kept: Identity) => boolean, make: () => Promise<Identity>) =>
    findOrMake(join(directory, `${name}.pem`), fits, make);

  const root = await keep(
    'root',
    () => true,
    () => {
      if (isPinned)
        throw new IdentityFileError(`${rootPath} is lost, and the nodes trust nothing else: put it back`);
      return issueRoot(randomBytes(4).toString('hex'), nowMs);
    },
  );
  const issuing = (kind: 'node' | 'controller') =>
    keep(
      `${kind}-ca`,
      (kept) => isSignedBy(kept, root) && leftMs(kept, nowMs) > certificateLifeMs.issuing / 2,
      () => issueIssuingCa(root, kind, nowMs),
    );
  const nodeCa = await issuing('node');
  const controllerCa = await issuing('controller');
  const controller = await keep(
    'controller',
    (kept) =>
      isSignedBy(kept, controllerCa) &&
      leftMs(kept, nowMs) > certificateLifeMs.controller / 2 &&
      hasNames(kept, names),
    () => issueController(controllerCa, names, nowMs),
  );
  return { root, nodeCa, controller: await encodeTls(controller, controllerCa) };
}

async function encodeTls({ certificate, privateKey }: Identity, issuer: Identity): Promise<TlsIdentity> {
  return {
    key: `${await encodePrivateKey(privateKey)}\n`,
    cert: `${certificate.toString('pem')}\n${issuer.certificate.toString('pem')}\n`,
  };
}

async function findOrMake(
  path: string,
  fits: (kept: Identity) => boolean,
  make: () => Promise<Identity>,
): Promise<Identity> {
  const kept = await findIdentity(path);
  if (kept && fits(kept)) return kept;
  const made = await make();
  await writeIdentity(path, made);
  return made;
}

/** By name and key identifier: our own files, so the signature is the TLS library's business. */
function isSignedBy(kept: Identity, issuer: Identity): boolean {
  const keyId = (identity: Identity, oid: string) =>
    (identity.certificate.getExtension(oid) as { keyId?: string } | null)?.keyId;
  return keyId(kept, authorityKeyIdentifier) === keyId(issuer, subjectKeyIdentifier);
}

const subjectKeyIdentifier = '2.5.29.14';
const authorityKeyIdentifier = '2.5.29.35';

function leftMs(kept: Identity, nowMs: number): number {
  return kept.certificate.notAfter.getTime() - nowMs;
}

function hasNames(kept: Identity, names: ServerNames): boolean {
  const held: JsonGeneralNames =
    kept.certificate.getExtension(SubjectAlternativeNameExtension)?.names.toJSON() ?? [];
  const wanted = [...names.dns.map((name) => `dns ${name}`), ...names.ip.map((ip) => `ip ${ip}`)];
  const have = new Set(held.map(({ type, value }) => `${type} ${value}`));
  return have.size === new Set(wanted).size && wanted.every((name) => have.has(name));
}
