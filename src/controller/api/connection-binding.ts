/** What only the two ends of a TLS connection know, for handlers whose caller proves something on this very connection. */
import type { Http2ServerRequest } from 'node:http2';
import type { TLSSocket } from 'node:tls';
import { createContextKey } from '@connectrpc/connect';
import { renewalExporterLabel } from '#protocol/version.ts';

const bindingBytes = 32;

/** Gives the keying material of the call's connection; set for every call. */
export const bindingKey = createContextKey<() => Uint8Array | undefined>(() => undefined, {
  description: 'binding of the connection',
});

/** Reads it off the connection of `request`; undefined where that is gone. */
export function readBinding(request: Http2ServerRequest): Uint8Array | undefined {
  const socket = request.httpVersionMajor < 2 ? request.socket : request.stream.session?.socket;
  try {
    return (socket as TLSSocket | undefined)?.exportKeyingMaterial(
      bindingBytes,
      renewalExporterLabel,
      Buffer.alloc(0),
    );
  } catch {
    return undefined;
  }
}
