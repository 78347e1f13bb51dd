/**
 * Turns a join token into this node's identity. Two connections, so that the token's secret is only ever sent to the
 * cluster that the token was made for: the first believes nobody and fetches the cluster's root, which proves itself by
 * the pin in the token; the second believes that root alone. Comparing the pin with what one connection shows would not
 * do: a stranger can show the genuine root beside a certificate of his own. Writes nothing.
 */
import { createHash, createPrivateKey, X509Certificate } from 'node:crypto';
import { ConnectError } from '@connectrpc/connect';
import { formatHostPort, type HostPort, parseHostPort } from '#base/host-port.ts';
import type { JoinToken } from '#core/join-token.ts';
import { ErrorDetailSchema, type JoinResponse } from '#protocol/gen/drover/v1/api_pb.ts';
import { callController, explainSilence } from './call-controller.ts';
import type { NodeIdentity } from './identity.ts';
import { JoinError } from './join-error.ts';
import { makeNodeKey } from './node-key.ts';
import { isUntrustedPeer } from './session/explain-connection-error.ts';

/** What joining needs. */
export interface JoinOptions {
  readonly token: JoinToken;
  /** The controller's API. */
  readonly controller: HostPort;
  /** The name to ask for. */
  readonly name: string;
}

/**
 * Joins. A token that lets one node in is used up when this resolves.
 *
 * @throws JoinError, or the reason of `abort`.
 */
export async function joinCluster(options: JoinOptions, abort: AbortSignal): Promise<NodeIdentity> {
  const root = await fetchPinnedRoot(options, abort);
  const { key, certificateRequest } = await makeNodeKey(options.name);
  const { token, controller, name } = options;
  const verified = { ca: [root.toString()], rejectUnauthorized: true };
  const request = { tokenId: token.id, secret: token.secret, name, certificateRequest };
  const answer = await callController(controller, verified, ({ client }) =>
    client.join(request, { signal: abort }),
  ).catch(explainTo(controller, abort));
  return readAnswer(answer, key, root, controller);
}

/** First connection: nobody is believed and nothing is told. */
async function fetchPinnedRoot({ token, controller }: JoinOptions, abort: AbortSignal) {
  const { rootCertificate } = await callController(controller, { rejectUnauthorized: false }, ({ client }) =>
    client.getRoot({}, { signal: abort }),
  ).catch(explainTo(controller, abort));
  const root = parseCertificate(rootCertificate);
  if (!root || !isPinned(root, token.pin)) {
    const at = formatHostPort(controller);
    throw new JoinError(
      `cannot join: the controller at ${at} is not the cluster that this token was made for`,
      false,
    );
  }
  return root;
}

function isPinned(root: X509Certificate, pin: Uint8Array): boolean {
  const spki = root.publicKey.export({ type: 'spki', format: 'der' });
  return createHash('sha256').update(spki).digest().equals(pin) && root.verify(root.publicKey);
}

function explainTo(controller: HostPort, abort: AbortSignal) {
  return (error: unknown): never => {
    throw abort.aborted ? abort.reason : explainJoinError(controller, error);
  };
}

function explainJoinError(controller: HostPort, error: unknown): JoinError {
  const at = formatHostPort(controller);
  if (isUntrustedPeer(error)) {
    return new JoinError(
      `cannot join: the controller at ${at} cannot prove that it is the cluster that this token was made for`,
      false,
      { cause: error },
    );
  }
  if (error instanceof ConnectError) {
    const [detail] = error.findDetails(ErrorDetailSchema);
    if (detail) {
      const denied = detail.reason === 'TOKEN_REFUSED' || detail.reason === 'NAME_REFUSED';
      return new JoinError(`cannot join: ${error.rawMessage}`, denied, { cause: error });
    }
  }
  return new JoinError(`cannot reach the controller at ${at}: ${explainSilence(error)}`, false, {
    cause: error,
  });
}

function readAnswer(
  answer: JoinResponse,
  key: string,
  root: X509Certificate,
  controller: HostPort,
): NodeIdentity {
  const certificates = answer.certificates.map(parseCertificate);
  const [leaf] = certificates;
  const address = parseHostPort(answer.agentAddress);
  if (!leaf || certificates.includes(undefined) || !address || !certifies(leaf, key, answer.name)) {
    const at = formatHostPort(controller);
    throw new JoinError(
      `cannot join: the controller at ${at} answered with what is no identity of this node`,
      false,
    );
  }
  return {
    name: answer.name,
    clusterId: answer.clusterId,
    agentAddress: { host: address.host || controller.host, port: address.port },
    controller,
    credentials: { key, certificate: certificates.join(''), root: root.toString() },
  };
}

function parseCertificate(der: Uint8Array): X509Certificate | undefined {
  try {
    return new X509Certificate(der);
  } catch {
    return undefined;
  }
}

/** Whether `certificate` is one for our key and that name. */
function certifies(certificate: X509Certificate, key: string, name: string): boolean {
  return certificate.subject === `CN=${name}` && certificate.checkPrivateKey(createPrivateKey(key));
}
