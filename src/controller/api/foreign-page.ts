/**
 * Tells calls that a page of another site makes in somebody's browser. A token is in no cookie, so that such a page has none to send;
 * this keeps it so for whatever a browser may send by itself one day. Programs send none of these headers. Pure.
 */
import type { IncomingHttpHeaders } from 'node:http2';

/** What is needed of a request. */
export interface BrowserRequest {
  readonly method: string;
  readonly headers: IncomingHttpHeaders;
  /** HOST:PORT that was called. */
  readonly authority: string;
}

/** Looking changes nothing, and its answer is told to no foreign page. */
const lookingMethods: readonly string[] = ['GET', 'HEAD'];
/** Of a page of the same origin, or a person's own doing. @see https://www.w3.org/TR/fetch-metadata/ */
const ownSites: readonly unknown[] = [undefined, 'same-origin', 'none'];

/** Why a request is refused, one line; undefined where it is not. A WebSocket is never what this listener speaks. */
export function whyForeign({ method, headers, authority }: BrowserRequest): string | undefined {
  if (headers.upgrade !== undefined) return 'nothing here is upgraded to another protocol';
  if (lookingMethods.includes(method)) return undefined;
  const { origin } = headers;
  if (origin !== undefined && origin !== `https://${authority}`)
    return 'a page of another origin may not call';
  return ownSites.includes(headers['sec-fetch-site']) ? undefined : 'a page of another site may not call';
}
