/**
 * What a running agent shows to its controller: the identity that it began with, and each certificate that came since. Renews one that
 * has expired before a connection is tried with it; while a session lasts, renewing is the controller's to begin.
 */
import { X509Certificate } from 'node:crypto';
import type { Clock } from '#base/clock.ts';
import type { HostPort } from '#base/host-port.ts';
import type { Logger } from '#base/log.ts';
import { type NodeIdentity, replaceCertificate } from './identity.ts';
import type { LinkCredentials } from './session/connect-link.ts';

/** What it needs. */
export interface KeptCredentialsOptions {
  /** Where the identity is. */
  readonly directory: string;
  readonly identity: NodeIdentity;
  /** The controller's API. */
  readonly controller: HostPort;
  readonly clock: Clock;
  readonly log: Logger;
}

/** Of one node. */
export class KeptCredentials {
  readonly #options: KeptCredentialsOptions;
  #identity: NodeIdentity;

  constructor(options: KeptCredentialsOptions) {
    this.#options = options;
    this.#identity = options.identity;
  }

  /**
   * What to connect with now.
   *
   * @throws CredentialsError where the certificate has expired and no other is given; the reason of `abort`.
   */
  async current(abort: AbortSignal): Promise<LinkCredentials> {
    const { clock, log, controller } = this.#options;
    const { name, credentials } = this.#identity;
    const { validTo, validToDate } = new X509Certificate(credentials.certificate);
    if (validToDate.getTime() > clock.wallMs()) return credentials;
    // A node is off for a week once a year; what that needs would be a fifth of the memory of every agent.
    const { renewCertificate } = await import('./renew.ts');
    await this.#replace(await renewCertificate(credentials, controller, abort));
    log.info({ node: name, expired: validTo }, 'the certificate of this node had expired and was renewed');
    return this.#identity.credentials;
  }

  /** Uses another one from now on; on disk when this resolves. @throws IdentityDamagedError; the system's error. */
  async take(certificates: readonly Uint8Array[]): Promise<void> {
    await this.#replace(certificates.map((der) => new X509Certificate(der).toString()).join(''));
    this.#options.log.info({ node: this.#identity.name }, 'the certificate of this node was renewed');
  }

  async #replace(certificate: string): Promise<void> {
    this.#identity = await replaceCertificate(this.#options.directory, this.#identity, certificate);
  }
}
