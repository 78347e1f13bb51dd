/**
 * Gets a new certificate for one that has expired while this node was off. Believes the cluster's root alone, and proves that it has
 * the key by a signature over what only the two ends of this connection know, so that nobody can use it elsewhere. Writes nothing.
 */
import { sign, X509Certificate } from 'node:crypto';
import { ConnectError } from '@connectrpc/connect';
import { formatHostPort, type HostPort } from '#base/host-port.ts';
import { ErrorDetailSchema } from '#protocol/gen/drover/v1/api_pb.ts';
import { renewalExporterLabel } from '#protocol/version.ts';
import { callController, explainSilence } from './call-controller.ts';
import { splitCertificates } from './identity.ts';
import type { LinkCredentials } from './session/connect-link.ts';
import { CredentialsError } from './session/credentials-error.ts';

const bindingBytes = 32;

/**
 * Asks the API of the controller.
 *
 * @returns the new certificate with its issuer's, PEM; not yet judged.
 * @throws CredentialsError, or the reason of `abort`.
 */
export async function renewCertificate(
  { key, certificate, root }: LinkCredentials,
  controller: HostPort,
  abort: AbortSignal,
): Promise<string> {
  const certificates = splitCertificates(certificate).map(({ raw }) => new Uint8Array(raw));
  const trust = { ca: root, rejectUnauthorized: true };
  try {
    const answer = await callController(controller, trust, async ({ client, connect }) => {
      const binding = (await connect(abort)).exportKeyingMaterial(
        bindingBytes,
        renewalExporterLabel,
        Buffer.alloc(0),
      );
      const proof = new Uint8Array(sign('sha256', binding, key));
      return client.renewCertificate({ certificates, proof }, { signal: abort });
    });
    return answer.certificates.map((der) => new X509Certificate(der).toString()).join('');
  } catch (error) {
    throw abort.aborted ? abort.reason : explain(error, controller);
  }
}

function explain(error: unknown, controller: HostPort): CredentialsError {
  const at = formatHostPort(controller);
  const [detail] = error instanceof ConnectError ? error.findDetails(ErrorDetailSchema) : [];
  if (error instanceof ConnectError && detail) {
    const message = `the certificate of this node has expired, and the controller at ${at} says: ${error.rawMessage}`;
    return new CredentialsError(message, detail.reason === 'RENEWAL_REFUSED', { cause: error });
  }
  const message = `the certificate of this node has expired, and cannot be renewed at ${at}: ${explainSilence(error)}`;
  return new CredentialsError(message, false, { cause: error });
}
