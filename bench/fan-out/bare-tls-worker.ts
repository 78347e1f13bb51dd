/**
 * A worker that does with bare sockets what a fan-out does with the link: mutual TLS 1.3 with each peer, the same bytes to each in
 * one write, the same bytes back in one write. It keeps nothing, decides nothing and writes no store: the limit.
 *
 * usage: bare-tls-worker.ts PKI PEERS DOWN UP TIMES   (directory of the authority, file of bare-tls-peers.ts, bytes each way)
 */
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { createServer, type Server, type TLSSocket } from 'node:tls';
import { systemClock } from '#base/clock.ts';
import { serveMeasurements } from '#bench/measure/worker.ts';
import { openCertificateAuthority } from '#controller/auth/certificate-authority.ts';
import { serverNames } from '#controller/auth/server-names.ts';
import { measureFanOuts } from './measured.ts';
import type { Peer } from './peers.ts';

/** Peers in one process, as many as there are simulated agents in one. */
const peersPerProcess = 5_000;

const [directory = '', peersFile = '', down = '', up = '', times = ''] = process.argv.slice(2);
const peers: readonly Peer[] = JSON.parse(readFileSync(peersFile, 'utf8'));
const sockets: TLSSocket[] = [];
let due = 0;
let answered = Promise.withResolvers<void>();

const server = await listen();
const processes = await startPeers(server);
await serveMeasurements(() => measureFanOuts(Number(times), peers.length, cpuSeconds, fanOut));
for (const child of processes) child.disconnect();
for (const socket of sockets) socket.destroy();
server.close();

async function listen(): Promise<Server> {
  const names = serverNames(['127.0.0.1']);
  const { rootPem, controller } = await openCertificateAuthority({ directory, clock: systemClock, names });
  const trust = { ca: rootPem, requestCert: true, rejectUnauthorized: true, minVersion: 'TLSv1.3' } as const;
  const listening = createServer({ ...controller, ...trust, noDelay: true }, takePeer).listen(0, '127.0.0.1');
  await once(listening, 'listening');
  return listening;
}

function takePeer(socket: TLSSocket): void {
  let bytes = 0;
  socket.on('error', () => {});
  socket.on('data', ({ length }: Buffer) => {
    bytes += length;
    if (bytes < Number(up)) return;
    bytes -= Number(up);
    due -= 1;
    if (due === 0) answered.resolve();
  });
  sockets.push(socket);
}

async function startPeers(to: Server): Promise<readonly ChildProcess[]> {
  const { port } = to.address() as AddressInfo;
  const program = join(import.meta.dirname, 'bare-tls-peers-worker.ts');
  const children: ChildProcess[] = [];
  for (let from = 0; from < peers.length; from += peersPerProcess) {
    const share = [from, Math.min(peers.length, from + peersPerProcess)];
    children.push(fork(program, [port, peersFile, ...share, down, up].map(String)));
  }
  await Promise.all(children.map((child) => once(child, 'message')));
  return children;
}

async function fanOut(): Promise<void> {
  due = sockets.length;
  answered = Promise.withResolvers();
  const command = Buffer.alloc(Number(down));
  for (const socket of sockets) socket.write(command);
  await answered.promise;
}

function cpuSeconds(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1e6;
}
