/**
 * What the listeners serve with, kept current while the controller runs: the cluster's own certificate is renewed in time, and the site's
 * is read again when somebody says that it has changed. What cannot be used is said in the log, and the old one goes on.
 */
import type { Clock } from '#base/clock.ts';
import type { Logger } from '#base/log.ts';
import type { CertificateAuthority, TlsIdentity } from '#controller/auth/certificate-authority.ts';
import {
  endOfCertificateMs,
  readSiteCertificate,
  SiteCertificateError,
  type SiteCertificateFiles,
} from '#controller/auth/site-certificate.ts';

/** What it needs. */
export interface ServedCertificatesOptions {
  readonly authority: Pick<CertificateAuthority, 'controller' | 'renew'>;
  /** Undefined: the API serves with the cluster's too. */
  readonly siteFiles: SiteCertificateFiles | undefined;
  readonly clock: Clock;
  readonly log: Logger;
}

/** What is served with. */
export interface Served {
  /** To nodes, and to who asks for the name of the cluster. */
  readonly own: TlsIdentity;
  /** To everybody else. */
  readonly site: TlsIdentity;
}

/** How often the cluster's own certificate is looked at; it is renewed a year before its end. */
const lookMs = 24 * 3_600_000;

/** Disposing of it ends the looking. */
export class ServedCertificates implements Disposable {
  readonly #options: ServedCertificatesOptions;
  #site: TlsIdentity | undefined;
  #looking: Disposable;
  #isOver = false;
  #use: (served: Served) => void = () => {};

  private constructor(options: ServedCertificatesOptions, site: TlsIdentity | undefined) {
    this.#options = options;
    this.#site = site;
    this.#looking = this.#lookLater();
  }

  /** Reads the site's certificate. @throws SiteCertificateError */
  static async open(options: ServedCertificatesOptions): Promise<ServedCertificates> {
    const { siteFiles, clock, log } = options;
    const site = siteFiles && (await readSiteCertificate(siteFiles));
    const endsMs = site && endOfCertificateMs(site);
    // It is for browsers alone: the cluster need not stand still for it.
    if (endsMs !== undefined && endsMs <= clock.wallMs()) {
      log.warn({ file: siteFiles?.certFile }, `the site's certificate expired at ${say(endsMs)}`);
    }
    return new ServedCertificates(options, site);
  }

  /** What to serve with now. */
  get current(): Served {
    const own = this.#options.authority.controller;
    return { own, site: this.#site ?? own };
  }

  /** Calls `use` whenever that has changed. */
  onChange(use: (served: Served) => void): void {
    this.#use = use;
  }

  /** Reads the site's certificate again. Never rejects. */
  async reload(): Promise<void> {
    const { siteFiles, clock, log } = this.#options;
    if (!siteFiles) return log.info('there is no certificate of the site to read again');
    try {
      const site = await readSiteCertificate(siteFiles);
      const endsMs = endOfCertificateMs(site);
      if (endsMs <= clock.wallMs()) {
        throw new SiteCertificateError(
          `the site's certificate cannot be used: ${siteFiles.certFile} expired at ${say(endsMs)}`,
        );
      }
      this.#site = site;
      this.#use(this.current);
      log.info({ file: siteFiles.certFile, until: say(endsMs) }, "the site's certificate was read again");
    } catch (error) {
      log.error(`${error instanceof Error ? error.message : String(error)}; the one before stays in use`);
    }
  }

  [Symbol.dispose](): void {
    this.#isOver = true;
    this.#looking[Symbol.dispose]();
  }

  /** One look at a time: each may write. */
  #lookLater(): Disposable {
    return this.#options.clock.schedule(lookMs, async () => {
      await this.#renew();
      if (!this.#isOver) this.#looking = this.#lookLater();
    });
  }

  async #renew(): Promise<void> {
    const { authority, log } = this.#options;
    try {
      if (!(await authority.renew())) return;
      this.#use(this.current);
      log.info('the certificate of the controller was renewed');
    } catch (error) {
      log.error({ error: String(error) }, 'the certificate of the controller could not be renewed');
    }
  }
}

function say(ms: number): string {
  return new Date(ms).toISOString();
}
