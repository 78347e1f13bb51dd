/**
 * The bytes of a growing file through the same three processes and two connections as a follow's, and nothing else: HTTP/2 over TLS
 * by node:http2, piped. It knows no tasks, no messages and no end but the writer's.
 *
 *   bare-relay.ts relay             serves what its parent tells it to (IPC: TLS identity); answers with its port
 *   bare-relay.ts source            pushes what its parent names (IPC: port, root, path, bytes)
 *   bare-relay.ts sink PORT ROOT    writes what the relay has to standard output
 */
import { once } from 'node:events';
import { open } from 'node:fs/promises';
import { type ClientHttp2Session, connect, createSecureServer, type ServerHttp2Stream } from 'node:http2';
import type { AddressInfo } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';

const blockBytes = 64 << 10;
const lookMs = 20;
const windowBytes = 1 << 20;
const connectionWindowBytes = 4 << 20;
const settings = { initialWindowSize: windowBytes };

/** What a relay is told. */
export interface RelayIdentity {
  readonly cert: string;
  readonly key: string;
}

/** What a source is told. */
export interface SourceOrder {
  readonly port: number;
  readonly root: string;
  readonly path: string;
  /** It ends there. */
  readonly bytes: number;
}

const [role, port = '', root = ''] = process.argv.slice(2);
switch (role) {
  case 'relay':
    process.on('message', (identity: RelayIdentity) => void relay(identity));
    break;
  case 'source':
    process.on('message', (order: SourceOrder) => void push(order));
    break;
  case 'sink':
    await pull(Number(port), root);
    break;
}

async function relay(identity: RelayIdentity): Promise<void> {
  const server = createSecureServer({ ...identity, minVersion: 'TLSv1.3', settings });
  const waiting: ServerHttp2Stream[] = [];
  server.on('session', (session) => session.setLocalWindowSize(connectionWindowBytes));
  // The two ends of a relay come in any order.
  server.on('stream', (stream, headers) => {
    stream.respond({ ':status': 200 });
    const other = waiting.pop();
    if (!other) waiting.push(stream);
    else if (headers[':method'] === 'POST') join(stream, other);
    else join(other, stream);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  process.send?.((server.address() as AddressInfo).port);
}

function join(from: ServerHttp2Stream, to: ServerHttp2Stream): void {
  from.pipe(to);
  from.once('end', () => from.end());
}

let connection: ClientHttp2Session | undefined;

async function push(order: SourceOrder): Promise<void> {
  connection ??= connectTo(order.port, order.root);
  const request = connection.request({ ':method': 'POST' });
  request.resume();
  await using file = await open(order.path, 'r');
  for (let offset = 0; offset < order.bytes; ) {
    const { bytesRead, buffer } = await file.read(Buffer.allocUnsafeSlow(blockBytes), 0, blockBytes, offset);
    offset += bytesRead;
    if (bytesRead === 0) await sleep(lookMs);
    else if (!request.write(buffer.subarray(0, bytesRead))) await once(request, 'drain');
  }
  request.end();
}

async function pull(port: number, root: string): Promise<void> {
  const session = connectTo(port, root);
  const request = session.request({ ':method': 'GET' });
  for await (const bytes of request) {
    if (!process.stdout.write(bytes as Buffer)) await once(process.stdout, 'drain');
  }
  session.close();
}

function connectTo(port: number, root: string): ClientHttp2Session {
  const session = connect(`https://127.0.0.1:${port}`, { ca: root, minVersion: 'TLSv1.3', settings });
  session.once('connect', () => session.setLocalWindowSize(connectionWindowBytes));
  return session;
}
