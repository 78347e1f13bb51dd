/**
 * The connection of an agent's link: HTTP/2 over mutual TLS 1.3, with the settings that bench/ found to matter. Knows no
 * frame and does not try twice.
 */
import { once } from 'node:events';
import { type ClientHttp2Session, connect as connectHttp2 } from 'node:http2';
import { connect as connectTls } from 'node:tls';
import type { HostPort } from '#base/host-port.ts';
import { limits } from '#protocol/limits.ts';
import { controllerServerName } from '#protocol/version.ts';

/** What the two sides know each other by, in PEM. */
export interface LinkCredentials {
  /** The node's private key. */
  readonly key: string;
  /** The node's certificate and its issuer's. */
  readonly certificate: string;
  /** The cluster's root: the only one that the controller may be certified by. */
  readonly root: string;
}

/** A connection to a controller. */
export interface Link {
  readonly connection: ClientHttp2Session;
  /** Closes its socket at once, also where HTTP/2 still waits for something before it would. */
  cut(): void;
}

/** What the HTTP/2 session may hold in memory, in MB: a thousand log streams with a chunk each. */
const sessionMemoryMb = 80;

/**
 * Dials a controller's agent listener, and resolves with the connection once both certificates were exchanged. The controller has then not yet said
 * whether it accepts ours: it closes the connection if not. The caller destroys the connection.
 *
 * @throws the socket's or OpenSSL's error (explain-connection-error.ts), or the reason of `abort`; nothing is then left open.
 */
export async function connectLink(
  { host, port }: HostPort,
  { key, certificate, root }: LinkCredentials,
  abort: AbortSignal,
): Promise<Link> {
  abort.throwIfAborted();
  const socket = connectTls({
    host,
    port,
    servername: controllerServerName,
    key,
    cert: certificate,
    ca: [root],
    minVersion: 'TLSv1.3',
    ALPNProtocols: ['h2'],
  });
  socket.once('secureConnect', () => socket.setNoDelay(true));
  const connection = connectHttp2(`https://${controllerServerName}`, {
    createConnection: () => socket,
    settings: { enablePush: false, initialWindowSize: limits.linkStreamWindowBytes },
    maxSessionMemory: sessionMemoryMb,
  });
  // What goes wrong later also closes the session's stream, which tells of it.
  connection.on('error', () => {});
  try {
    await once(connection, 'connect', { signal: abort });
  } catch (error) {
    connection.destroy();
    throw abort.aborted ? abort.reason : error;
  }
  connection.setLocalWindowSize(limits.linkConnectionWindowBytes);
  return { connection, cut: () => void socket.destroy() };
}
