/**
 * An identity (certificate and private key) as one PEM file, 0600, written whole or not at all: a crash can leave
 * no certificate without its key.
 */
import 'reflect-metadata';
import { webcrypto } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { PemConverter, X509Certificate } from '@peculiar/x509';
import { writeFileAtomic } from '#base/atomic-file.ts';
import type { Identity } from './certificates.ts';

/** A file of `<data>/pki` cannot be used. Nothing is made anew in its place, since nodes have pinned what it held. */
export class IdentityFileError extends Error {
  override readonly name = 'IdentityFileError';
}

/** Certificate and private key (PKCS #8) as PEM text. */
export async function encodeIdentity({ certificate, privateKey }: Identity): Promise<string> {
  return `${certificate.toString('pem')}\n${await encodePrivateKey(privateKey)}\n`;
}

/** Private key as PKCS #8 PEM. */
export async function encodePrivateKey(privateKey: webcrypto.CryptoKey): Promise<string> {
  return PemConverter.encode(await webcrypto.subtle.exportKey('pkcs8', privateKey), 'PRIVATE KEY');
}

/** Writes an identity, durably. @throws the system's error. */
export async function writeIdentity(path: string, identity: Identity): Promise<void> {
  await writeFileAtomic(path, await encodeIdentity(identity), 0o600);
}

/**
 * Reads an identity; undefined where there is no such file.
 *
 * @throws IdentityFileError when it is there and cannot be read or understood.
 */
export async function findIdentity(path: string): Promise<Identity | undefined> {
  try {
    return await decodeIdentity(await readFile(path, 'utf8'));
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw new IdentityFileError(`cannot read a certificate and its key from ${path}`, { cause });
  }
}

async function decodeIdentity(text: string): Promise<Identity> {
  const blocks = PemConverter.decodeWithHeaders(text);
  const certificate = blocks.find((block) => block.type === 'CERTIFICATE');
  const key = blocks.find((block) => block.type === 'PRIVATE KEY');
  if (!certificate || !key) throw new Error('a PEM block is missing');
  const privateKey = await webcrypto.subtle.importKey(
    'pkcs8',
    key.rawData,
    { name: 'ECDSA', namedCurve: 'P-256' },
    true,
    ['sign'],
  );
  return { certificate: new X509Certificate(certificate.rawData), privateKey };
}
