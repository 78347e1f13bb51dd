/**
 * Closes connections of an address that has failed many TLS handshakes and has many more under way: each holds memory for its ten
 * seconds. Who is through with the handshake is not counted, and who never fails is never limited.
 */
import type { Http2SecureServer } from 'node:http2';
import type { Socket } from 'node:net';
import type { TLSSocket } from 'node:tls';
import type { Clock } from '#base/clock.ts';
import { FailedHandshakes, networkOf } from '#controller/dispatch/failed-handshakes.ts';
import { limits } from '#protocol/limits.ts';

/** Watches a server from its first connection on. */
export function limitHandshakes(server: Http2SecureServer, clock: Clock): void {
  const failed = new FailedHandshakes(clock);
  /** Connections in their handshakes, by address. */
  const underWay = new Map<string, Set<string>>();
  const over = (network: string, endpoint: string) => {
    const those = underWay.get(network);
    if (those?.delete(endpoint) && those.size === 0) underWay.delete(network);
  };
  server.prependListener('connection', (socket: Socket) => {
    const network = networkOf(socket.remoteAddress);
    const those = underWay.get(network) ?? new Set();
    if (those.size >= limits.suspectConnectionsMax && failed.isSuspect(socket.remoteAddress)) {
      socket.destroy();
      return;
    }
    const endpoint = nameOf(socket);
    underWay.set(network, those.add(endpoint));
    socket.once('close', () => over(network, endpoint));
  });
  server.on('secureConnection', (socket: TLSSocket) => over(networkOf(socket.remoteAddress), nameOf(socket)));
  server.on('tlsClientError', (_: Error, socket: TLSSocket) => failed.note(socket.remoteAddress));
}

function nameOf({ remoteAddress, remotePort }: Pick<Socket, 'remoteAddress' | 'remotePort'>): string {
  return `${remoteAddress} ${remotePort}`;
}
