/**
 * Why a connection to a controller could not be made, in words for one line of a log. The only author of these words:
 * joining and sessions share them.
 */

const reasons: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'connection refused',
  ECONNRESET: 'the connection was closed while it was being made',
  EHOSTUNREACH: 'no route to the host',
  ENETUNREACH: 'no route to the network',
  ETIMEDOUT: 'no answer',
  ENOTFOUND: 'no such host',
  EAI_AGAIN: 'its name could not be looked up',
  ERR_SSL_WRONG_VERSION_NUMBER: 'it does not speak TLS',
  ERR_SSL_TLSV1_ALERT_PROTOCOL_VERSION: 'it does not speak TLS 1.3',
  ERR_SSL_TLSV1_ALERT_NO_APPLICATION_PROTOCOL: 'it does not speak HTTP/2',
};

/** What OpenSSL and Node.js say when the peer's certificate is not one that we trust. */
const untrustedCodes: ReadonlySet<string> = new Set([
  'CERT_HAS_EXPIRED',
  'CERT_NOT_YET_VALID',
  'CERT_REJECTED',
  'CERT_SIGNATURE_FAILURE',
  'CERT_UNTRUSTED',
  'DEPTH_ZERO_SELF_SIGNED_CERT',
  'ERR_TLS_CERT_ALTNAME_INVALID',
  'INVALID_CA',
  'INVALID_PURPOSE',
  'SELF_SIGNED_CERT_IN_CHAIN',
  'UNABLE_TO_GET_ISSUER_CERT',
  'UNABLE_TO_GET_ISSUER_CERT_LOCALLY',
  'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
]);

/** Whether `error` says that the peer's certificate is not one that our root vouches for, by that name, now. */
export function isUntrustedPeer(error: unknown): boolean {
  return untrustedCodes.has(codeOf(error));
}

/** Whether `error` says that nobody listens there. */
export function isRefused(error: unknown): boolean {
  return codeOf(error) === 'ECONNREFUSED';
}

/** The reason alone, lower case: the caller says what could not be reached. */
export function explainConnectionError(error: unknown): string {
  if (isUntrustedPeer(error)) return `its certificate is not to be trusted (${codeOf(error)})`;
  return reasons[codeOf(error)] ?? (error instanceof Error ? error.message : String(error));
}

/** The system's or OpenSSL's code of an error, looked for in its causes too; empty where there is none. */
function codeOf(error: unknown): string {
  for (let at = error; at instanceof Error; at = at.cause) {
    const { code } = at as { code?: unknown };
    if (typeof code === 'string') return code;
  }
  return '';
}
