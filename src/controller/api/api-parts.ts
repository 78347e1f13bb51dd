/** What the services work with: the composition root makes it, tests make it with a fake dispatch. */
import type { Clock } from '#base/clock.ts';
import type { Logger } from '#base/log.ts';
import type { Authenticator } from '#controller/auth/authenticator.ts';
import type { CertificateAuthority } from '#controller/auth/certificate-authority.ts';
import type { NodeCertifier } from '#controller/auth/node-certifier.ts';
import type { IdentityProvider } from '#controller/auth/oidc/identity-provider.ts';
import type { OidcConfig } from '#controller/auth/oidc/oidc-config.ts';
import type { Dispatch } from '#controller/dispatch/dispatch.ts';
import type { Staging } from '#controller/files/staging.ts';
import type { Metrics } from '#controller/metrics/metrics.ts';
import type { Store } from '#controller/store/store.ts';
import type { StopSwitch } from './stop-switch.ts';

/** Everything behind the API. */
export interface ApiParts {
  readonly store: Store;
  readonly dispatch: Dispatch;
  readonly authority: CertificateAuthority;
  readonly certifier: NodeCertifier;
  readonly authenticator: Authenticator;
  /** Undefined without an identity provider. */
  readonly login: { readonly provider: IdentityProvider; readonly config: OidcConfig } | undefined;
  readonly clock: Clock;
  readonly log: Logger;
  /** The controller's version. */
  readonly version: string;
  /** When the controller started, wall clock. */
  readonly startedAtMs: number;
  /** Where agents connect to, "HOST:PORT"; for people and scripts on this machine. */
  readonly agentAddress: string;
  /** The same as JoinResponse tells it: the host is empty where the listener has no particular one. */
  readonly agentAddressForNodes: string;
  readonly stopSwitch: StopSwitch;
  readonly metrics: Metrics;
  /** What is kept of files on their way. */
  readonly staging: Staging;
}
