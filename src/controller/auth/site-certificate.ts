/**
 * The site's own certificate for the API and the console, so that browsers trust them by what they trust already. Reads and judges the
 * two files; keeps nothing. Nodes and the command line ask for the cluster's certificate by its name, and never see this one.
 */
import { createPrivateKey, X509Certificate } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { createSecureContext } from 'node:tls';
import type { TlsIdentity } from './certificate-authority.ts';

/** Where it is. */
export interface SiteCertificateFiles {
  /** Certificate and what it chains to, PEM, leaf first. */
  readonly certFile: string;
  /** Its private key, PEM, without a passphrase. */
  readonly keyFile: string;
}

/** It cannot be used. One line for the person who gave the files. */
export class SiteCertificateError extends Error {
  override readonly name = 'SiteCertificateError';
}

/** Reads both files. @throws SiteCertificateError */
export async function readSiteCertificate({ certFile, keyFile }: SiteCertificateFiles): Promise<TlsIdentity> {
  const cert = await read(certFile);
  const key = await read(keyFile);
  const leaf = attempt(`${certFile} holds no certificate`, () => new X509Certificate(cert));
  const privateKey = attempt(`${keyFile} holds no private key without a passphrase`, () =>
    createPrivateKey(key),
  );
  if (!leaf.checkPrivateKey(privateKey)) throw unusable(`${keyFile} is not the key of ${certFile}`);
  attempt(`${certFile} and ${keyFile} cannot be served with`, () => createSecureContext({ cert, key }));
  return { cert, key };
}

/** When the certificate of these ends, wall clock. */
export function endOfCertificateMs({ cert }: TlsIdentity): number {
  return new X509Certificate(cert).validToDate.getTime();
}

async function read(path: string): Promise<string> {
  try {
    return await readFile(path, 'utf8');
  } catch (cause) {
    throw unusable(`${path} cannot be read (${(cause as NodeJS.ErrnoException).code})`, cause);
  }
}

function attempt<T>(otherwise: string, run: () => T): T {
  try {
    return run();
  } catch (cause) {
    throw unusable(otherwise, cause);
  }
}

function unusable(why: string, cause?: unknown): SiteCertificateError {
  // The cause of a key's could hold what is in the file.
  const options = cause instanceof Error && 'errno' in cause ? { cause } : undefined;
  return new SiteCertificateError(`the site's certificate cannot be used: ${why}`, options);
}
