/**
 * The cluster's identity provider, over OpenID Connect: who somebody is, it says, after they have confirmed it to it in a browser.
 * Signatures, audiences and times are checked by openid-client. What a person may do here is not its business.
 *
 * @see https://www.rfc-editor.org/rfc/rfc8628 (device authorization)
 */
import * as client from 'openid-client';
import { RefusedError } from '#protocol/errors.ts';
import type { OidcConfig } from './oidc-config.ts';

/** Somebody, as the provider knows them. */
export interface Identity {
  /** The issuer and its own id of them, which never becomes another's. */
  readonly subject: string;
  /** What they are called; empty where it does not say. */
  readonly name: string;
  /** Values of the claim that roles hang on. */
  readonly groups: readonly string[];
}

/** A login that waits for its person. */
export interface DeviceLogin {
  readonly address: string;
  readonly code: string;
  /** Empty where the provider has none. */
  readonly completeAddress: string;
  readonly expiresInMs: number;
  /** Resolves when the person has confirmed. @throws RefusedError DENIED when they have not, in time or at all; the reason of `abort`. */
  wait(abort: AbortSignal): Promise<Identity>;
}

/** What of a provider is used. */
export interface IdentityProvider {
  /** @throws RefusedError NO_LOGIN when the provider cannot be reached, or does not know this way. */
  startDeviceLogin(): Promise<DeviceLogin>;
}

/** Seconds that one answer of the provider may take. */
const timeoutSeconds = 10;

/** A provider; it is asked for its metadata with the first login, and again where that failed. */
export function createIdentityProvider(config: OidcConfig): IdentityProvider {
  let found: Promise<client.Configuration> | undefined;
  const discover = () => {
    found ??= discovery(config).catch((error: unknown) => {
      found = undefined;
      throw error;
    });
    return found;
  };
  return {
    async startDeviceLogin() {
      try {
        const provider = await discover();
        const asked = { scope: config.scopes.join(' ') };
        const answer = await client.initiateDeviceAuthorization(provider, asked);
        return {
          address: answer.verification_uri,
          code: answer.user_code,
          completeAddress: answer.verification_uri_complete ?? '',
          expiresInMs: answer.expires_in * 1_000,
          wait: (abort) => waitFor(provider, config, answer, abort),
        };
      } catch (error) {
        throw unusable(error);
      }
    },
  };
}

function discovery({ issuer, clientId, clientSecret }: OidcConfig): Promise<client.Configuration> {
  const authentication = clientSecret === undefined ? client.None() : client.ClientSecretBasic(clientSecret);
  // The configuration lets that be on this machine only.
  const execute = issuer.protocol === 'http:' ? [client.allowInsecureRequests] : [];
  return client.discovery(issuer, clientId, undefined, authentication, { execute, timeout: timeoutSeconds });
}

async function waitFor(
  provider: client.Configuration,
  config: OidcConfig,
  answer: client.DeviceAuthorizationResponse,
  abort: AbortSignal,
): Promise<Identity> {
  const signal = AbortSignal.any([abort, AbortSignal.timeout(answer.expires_in * 1_000)]);
  try {
    const tokens = await client.pollDeviceAuthorizationGrant(provider, answer, undefined, { signal });
    const proved = tokens.claims();
    if (!proved) throw new RefusedError('NO_LOGIN', 'the identity provider has not said who that is');
    // Groups are often told there only; that it is about the same person is checked.
    const more = provider.serverMetadata().userinfo_endpoint
      ? await client.fetchUserInfo(provider, tokens.access_token, proved.sub)
      : {};
    return identityOf({ ...more, ...proved }, config);
  } catch (error) {
    abort.throwIfAborted();
    if (error instanceof RefusedError) throw error;
    if (signal.aborted) throw new RefusedError('DENIED', 'nobody has confirmed the login in time');
    if (error instanceof client.ResponseBodyError && error.error === 'access_denied') {
      throw new RefusedError('DENIED', 'the login was refused at the identity provider');
    }
    if (error instanceof client.ResponseBodyError && error.error === 'expired_token') {
      throw new RefusedError('DENIED', 'nobody has confirmed the login in time');
    }
    throw unusable(error);
  }
}

function identityOf(
  claims: client.IDToken | (client.IDToken & client.UserInfoResponse),
  { nameClaim, rolesClaim }: OidcConfig,
): Identity {
  const name = claims[nameClaim];
  const groups = [claims[rolesClaim]].flat();
  return {
    subject: `${claims.iss}#${claims.sub}`,
    name: typeof name === 'string' ? name : '',
    groups: groups.filter((group) => typeof group === 'string'),
  };
}

function unusable(error: unknown): RefusedError {
  const { message, cause } = error as Error;
  const why = cause instanceof Error ? `${message}: ${cause.message}` : message;
  return new RefusedError('NO_LOGIN', `the identity provider cannot be used: ${why}`, [], { cause: error });
}
