/**
 * The other ends of the bare sockets: each answers so many bytes with so many. Says that it is ready when all are connected, and ends
 * when its parent lets go.
 *
 * usage: bare-tls-peers-worker.ts PORT PEERS FROM TO DOWN UP
 */
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { connect, type TLSSocket } from 'node:tls';
import { controllerServerName } from '#protocol/version.ts';
import type { Peer } from './peers.ts';

const dialsAtOnce = 16;

const [port = '', file = '', from = '', to = '', down = '', up = ''] = process.argv.slice(2);
const peers: readonly Peer[] = JSON.parse(readFileSync(file, 'utf8')).slice(Number(from), Number(to));
const answer = Buffer.alloc(Number(up));
const sockets: TLSSocket[] = [];
let next = 0;

process.once('disconnect', () => {
  for (const socket of sockets) socket.destroy();
});
await Promise.all(Array.from({ length: dialsAtOnce }, dialNext));
process.send?.('ready');

async function dialNext(): Promise<void> {
  for (let peer = peers[next++]; peer; peer = peers[next++]) {
    const { key, certificate: cert, root: ca } = peer;
    const servername = controllerServerName;
    const socket = connect({
      host: '127.0.0.1',
      port: Number(port),
      servername,
      key,
      cert,
      ca,
      minVersion: 'TLSv1.3',
    });
    await once(socket, 'secureConnect');
    socket.setNoDelay(true);
    socket.on('error', () => {});
    answerOn(socket);
    sockets.push(socket);
  }
}

function answerOn(socket: TLSSocket): void {
  let bytes = 0;
  socket.on('data', ({ length }: Buffer) => {
    bytes += length;
    if (bytes < Number(down)) return;
    bytes -= Number(down);
    socket.write(answer);
  });
}
