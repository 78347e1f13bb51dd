/**
 * The agents' listener: mutual TLS 1.3, HTTP/2 only, four kinds of request. It knows who calls and hands the stream on;
 * it reads no message and no store.
 */
import { createHash } from 'node:crypto';
import {
  createSecureServer,
  type Http2SecureServer,
  type IncomingHttpHeaders,
  type ServerHttp2Session,
  type ServerHttp2Stream,
} from 'node:http2';
import { type AddressInfo, createServer as createTcpServer, type Server, type Socket } from 'node:net';
import type { TLSSocket } from 'node:tls';
import type { Clock } from '#base/clock.ts';
import { grpcContentType } from '#base/grpc-frames.ts';
import { formatHostPort, type HostPort } from '#base/host-port.ts';
import type { Logger } from '#base/log.ts';
import { generationOf } from '#core/certificate-generation.ts';
import { isNodeName } from '#protocol/ids.ts';
import { limits } from '#protocol/limits.ts';
import type { AgentPeer, AgentSession } from './agent-session.ts';
import { grpcStatus, refuseStream } from './grpc-response.ts';
import { HandshakeQueue } from './handshake-queue.ts';
import type { StreamKind } from './pending-answers.ts';

/** Certificates, PEM. */
export interface LinkTls {
  /** What node certificates must chain to. */
  readonly ca: string | readonly string[];
  /** The controller's own certificate, with its chain. */
  readonly cert: string;
  readonly key: string;
}

/** What the listener needs. */
export interface LinkServerOptions {
  readonly tls: LinkTls;
  /** A local interface; port 0 for any free one. */
  readonly listen: HostPort;
  readonly clock: Clock;
  readonly log: Logger;
  /** Makes the session of a new Session request; `cut` closes its socket without ceremony. */
  onSession(stream: ServerHttp2Stream, peer: AgentPeer, cut: () => void): AgentSession;
}

/** Readers of logs come and go in herds: so many resets at once, and a second, before a connection counts as hostile. */
const streamResetBurst = 10_000;
const streamResetRate = 1_000;

/** Megabytes of one connection before its further streams are refused. */
const connectionMemoryMb = 64;

const sessionPath = '/drover.v1.AgentLinkService/Session';

/** Requests that carry bytes, by their paths. */
const streamPaths: Readonly<Record<string, StreamKind>> = {
  '/drover.v1.AgentLinkService/Push': 'push',
  '/drover.v1.AgentLinkService/Pull': 'pull',
  '/drover.v1.AgentLinkService/Files': 'files',
};

/** One TLS connection. */
interface Connection {
  /** Its end is that of the connection: HTTP/2 may wait for a write to a peer that is gone, and not tell of its own. */
  readonly socket: TLSSocket;
  readonly peer: AgentPeer | undefined;
  /** Cuts it unless a Session request comes in time. */
  readonly deadline: Disposable;
  session: AgentSession | undefined;
}

/** The listener, open. Disposing of it says goodbye to all agents and frees the port. */
export class LinkServer implements AsyncDisposable {
  readonly #listener: Server;
  readonly #handshakes: HandshakeQueue;
  /** Is handed connections, and does not listen. */
  readonly #server: Http2SecureServer;
  readonly #options: LinkServerOptions;
  readonly #connections = new Map<ServerHttp2Session, Connection>();
  /** Whose HTTP/2 session comes next. */
  #secured: TLSSocket | undefined;
  readonly #sockets = new Set<Socket>();

  private constructor(options: LinkServerOptions) {
    this.#options = options;
    this.#server = createServer(options.tls);
    this.#handshakes = new HandshakeQueue({
      clock: options.clock,
      begin: (socket) => this.#server.emit('connection', socket),
    });
    this.#listener = createTcpServer({ pauseOnConnect: true, noDelay: true }, (socket) => {
      this.#sockets.add(socket);
      socket.once('close', () => this.#sockets.delete(socket));
      this.#handshakes.add(socket);
    });
    // In front of the server's own, which makes the session, whose `socket` gives no hold of the real one.
    this.#server.prependListener('secureConnection', (socket: TLSSocket) => {
      this.#secured = socket;
      this.#handshakes.over(socket);
    });
    this.#server.on('session', (http2) => {
      if (this.#secured) this.#connected(http2, this.#secured);
    });
    this.#server.on('stream', (stream, headers) => this.#requested(stream, headers));
    this.#server.on('sessionError', (error) => options.log.debug({ error: error.message }, 'link error'));
    this.#server.on('tlsClientError', (error: Error, socket: TLSSocket) => {
      this.#handshakes.failed(socket);
      options.log.debug({ address: socket.remoteAddress, error: error.message }, 'handshake refused');
    });
  }

  /** @throws the system's error when it cannot listen there. */
  static async start(options: LinkServerOptions): Promise<LinkServer> {
    const server = new LinkServer(options);
    await new Promise<void>((resolve, reject) => {
      server.#listener.once('error', reject);
      server.#listener.listen(options.listen.port, options.listen.host, () => {
        server.#listener.off('error', reject);
        resolve();
      });
    });
    return server;
  }

  /** Agents can connect. */
  get isListening(): boolean {
    return this.#listener.listening;
  }

  /** Where it listens, as HOST:PORT, with the port that it really has. */
  get address(): string {
    const { address, port } = this.#listener.address() as AddressInfo;
    return formatHostPort({ host: address, port });
  }

  /** Serves those who connect from now on with these. */
  useCertificates(tls: LinkTls): void {
    this.#server.setSecureContext(secureOptions(tls));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const closed = new Promise<void>((resolve) => this.#listener.close(() => resolve()));
    const gone = [...this.#connections.values()].map(({ socket, session }) => {
      const over = new Promise<void>((resolve) => socket.once('close', () => resolve()));
      if (session) session.close('controller is stopping');
      else socket.destroy();
      return over;
    });
    await Promise.all(gone);
    // What is left is in its handshake, or does not hang up.
    for (const socket of this.#sockets) socket.destroy();
    await closed;
  }

  #connected(http2: ServerHttp2Session, socket: TLSSocket): void {
    http2.setLocalWindowSize(limits.linkConnectionWindowBytes);
    http2.on('error', (error) => this.#options.log.debug({ error: error.message }, 'link broke'));
    const deadline = this.#options.clock.schedule(limits.headersTimeoutMs, () => socket.destroy());
    this.#connections.set(http2, { socket, peer: readPeer(socket), deadline, session: undefined });
    socket.once('close', () => {
      deadline[Symbol.dispose]();
      this.#connections.get(http2)?.session?.drop('the connection is gone');
      this.#connections.delete(http2);
    });
  }

  #requested(stream: ServerHttp2Stream, headers: IncomingHttpHeaders): void {
    const connection = stream.session && this.#connections.get(stream.session as ServerHttp2Session);
    if (!connection?.peer) {
      refuseStream(stream, 403, grpcStatus.failedPrecondition, 'the certificate names no node');
    } else if (headers[':method'] !== 'POST' || headers['content-type'] !== grpcContentType) {
      refuseStream(stream, 415, grpcStatus.unimplemented, `only POST of ${grpcContentType}`);
    } else if (headers[':path'] === sessionPath) {
      this.#openSession(stream, connection, connection.peer);
    } else {
      const kind = streamPaths[headers[':path'] ?? ''];
      if (kind) openStream(kind, stream, connection, headers['drover-stream']);
      else refuseStream(stream, 404, grpcStatus.unimplemented, 'no such method');
    }
  }

  #openSession(stream: ServerHttp2Stream, connection: Connection, peer: AgentPeer): void {
    if (connection.session) {
      refuseStream(stream, 200, grpcStatus.failedPrecondition, 'this connection has its session');
      return;
    }
    connection.deadline[Symbol.dispose]();
    connection.session = this.#options.onSession(stream, peer, () => connection.socket.destroy());
  }
}

function openStream(
  kind: StreamKind,
  stream: ServerHttp2Stream,
  connection: Connection,
  streamId: string | string[] | undefined,
): void {
  stream.on('error', () => {});
  const id = typeof streamId === 'string' && /^\d{1,19}$/.test(streamId) ? BigInt(streamId) : 0n;
  if (connection.session?.takeStream(kind, id, stream)) return;
  refuseStream(stream, 200, grpcStatus.notFound, 'nobody waits for this stream');
}

function createServer(tls: LinkTls): Http2SecureServer {
  return createSecureServer({
    ...secureOptions(tls),
    requestCert: true,
    rejectUnauthorized: true,
    ALPNProtocols: ['h2'],
    allowHTTP1: false,
    handshakeTimeout: limits.handshakeTimeoutMs,
    unknownProtocolTimeout: limits.handshakeTimeoutMs,
    settings: {
      enablePush: false,
      initialWindowSize: limits.linkStreamWindowBytes,
      maxConcurrentStreams:
        limits.sessionLogStreamsMax + limits.sessionInputStreamsMax + limits.sessionFileStreamsMax + 1,
    },
    maxSessionMemory: connectionMemoryMb,
    streamResetBurst,
    streamResetRate,
  });
}

function secureOptions({ ca, cert, key }: LinkTls) {
  return { ca: typeof ca === 'string' ? ca : [...ca], cert, key, minVersion: 'TLSv1.3' } as const;
}

/** Who the certificate names; undefined where it is no node. */
function readPeer(socket: TLSSocket): AgentPeer | undefined {
  const certificate = socket.getPeerX509Certificate();
  const node = certificate && /^CN=(.*)$/m.exec(certificate.subject)?.[1];
  if (!certificate || node === undefined || !isNodeName(node)) return undefined;
  const key = certificate.publicKey.export({ type: 'spki', format: 'der' });
  return {
    node,
    keyFingerprint: createHash('sha256').update(key).digest('hex'),
    spki: key,
    certificate: {
      generation: generationOf(certificate.serialNumber),
      beginsMs: certificate.validFromDate.getTime(),
      endsMs: certificate.validToDate.getTime(),
    },
    address: socket.remoteAddress ?? '',
  };
}
