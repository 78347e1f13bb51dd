/**
 * The root certificate of a cluster that was never talked to before, asked for on a connection that believes nobody and tells
 * nothing. Whose it is, its pin says: whoever asked compares that with what they know before anything else is sent.
 */
import { createHash, X509Certificate } from 'node:crypto';
import { createClient } from '@connectrpc/connect';
import { createConnectTransport, Http2SessionManager } from '@connectrpc/connect-node';
import { encodeBase64url } from '#core/base64url.ts';
import { exitCodes } from '#core/exit-code.ts';
import { JoinService } from '#protocol/gen/drover/v1/api_pb.ts';
import { limits } from '#protocol/limits.ts';
import { controllerServerName } from '#protocol/version.ts';
import { CommandError } from './command-error.ts';

/** A root, not yet believed. */
export interface FetchedRoot {
  /** PEM. */
  readonly certificate: string;
  /** SHA-256 of its public key, base64url, as join tokens end. */
  readonly pin: string;
}

/** The longest answer to expect: a certificate. */
const answerBytesMax = 64 << 10;

/**
 * Fetches it.
 *
 * @param address HOST:PORT of the API.
 * @throws CommandError for an answer that is no root; what connecting throws.
 */
export async function fetchRoot(address: string, abort: AbortSignal): Promise<FetchedRoot> {
  const baseUrl = `https://${address}`;
  const nodeOptions = {
    rejectUnauthorized: false,
    servername: controllerServerName,
    minVersion: 'TLSv1.3',
  } as const;
  const sessionManager = new Http2SessionManager(baseUrl, {}, nodeOptions);
  const transport = createConnectTransport({
    httpVersion: '2',
    baseUrl,
    sessionManager,
    readMaxBytes: answerBytesMax,
    defaultTimeoutMs: limits.handshakeTimeoutMs,
  });
  try {
    const { rootCertificate } = await createClient(JoinService, transport).getRoot({}, { signal: abort });
    return describe(rootCertificate, address);
  } finally {
    sessionManager.abort();
  }
}

/** The pin of a root in PEM. @throws the system's error for what is no certificate. */
export function pinOf(pem: string): string {
  return pinOfCertificate(new X509Certificate(pem));
}

function describe(der: Uint8Array, address: string): FetchedRoot {
  try {
    const certificate = new X509Certificate(der);
    if (certificate.verify(certificate.publicKey)) {
      return { certificate: certificate.toString(), pin: pinOfCertificate(certificate) };
    }
  } catch {
    // Not a certificate, which is as bad as one that nobody signed.
  }
  throw new CommandError(exitCodes.requestFailed, `${address} answers with what is no root certificate`);
}

function pinOfCertificate({ publicKey }: X509Certificate): string {
  const spki = publicKey.export({ type: 'spki', format: 'der' });
  return encodeBase64url(createHash('sha256').update(spki).digest());
}
