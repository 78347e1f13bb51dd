/**
 * The limit of a copy: one process writes the same bytes to N TLS 1.3 connections, another one reads and counts them. Forked by the
 * bench it is the writer; it forks itself as the reader.
 */
import { fork } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { connect, createServer, type TLSSocket } from 'node:tls';
import { fileURLToPath } from 'node:url';
import { serveMeasurements } from '#bench/measure/worker.ts';
import { TestAuthority } from '#controller/dispatch/testing/test-certificates.ts';

const [nodes = 1, bytes = 0, port] = process.argv.slice(2).map(Number);
const chunk = randomBytes(512 << 10);

if (port === undefined) await write();
else read(port);

async function write(): Promise<void> {
  const authority = await TestAuthority.create();
  const { cert, key } = await authority.controller();
  const sockets: TLSSocket[] = [];
  const server = createServer({ cert, key, minVersion: 'TLSv1.3' });
  server.on('secureConnection', (socket) => {
    socket.setNoDelay(true).on('error', () => {});
    sockets.push(socket);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address() as AddressInfo;
  const reader = fork(fileURLToPath(import.meta.url), [nodes, bytes, address.port].map(String));
  while (sockets.length < nodes) await once(server, 'secureConnection');
  await serveMeasurements(async () => {
    const from = performance.now();
    const received = once(reader, 'message');
    await Promise.all(sockets.map(send));
    await received;
    return performance.now() - from;
  });
  reader.disconnect();
  for (const socket of sockets) socket.destroy();
  server.close();
}

async function send(socket: TLSSocket): Promise<void> {
  for (let left = bytes; left > 0; left -= chunk.length) {
    if (!socket.write(chunk.subarray(0, left))) await once(socket, 'drain');
  }
}

/** Says each time that all connections have had so many bytes more. */
function read(from: number): void {
  let left = nodes * bytes;
  for (let i = 0; i < nodes; i++) {
    const socket = connect({ host: '127.0.0.1', port: from, rejectUnauthorized: false });
    socket.on('error', () => {});
    socket.on('data', ({ length }) => {
      left -= length;
      if (left > 0) return;
      left += nodes * bytes;
      process.send?.('received');
    });
  }
  // The connections end with the writer, and this process with them.
  process.on('disconnect', () => {});
}
