/**
 * Sits inside the TLS of one node's link, by the cluster's own certificates, and sees its frames: duplicates, swaps, drops, changes
 * them, or cuts the connection at one of them. Logs and input pass untouched; what happens to bytes is tcp-proxy.ts's business.
 */
import { once } from 'node:events';
import {
  type ClientHttp2Session,
  type ClientHttp2Stream,
  constants,
  createSecureServer,
  type Http2SecureServer,
  type IncomingHttpHeaders,
  type ServerHttp2Session,
  type ServerHttp2Stream,
} from 'node:http2';
import type { AddressInfo, Socket } from 'node:net';
import { connectLink, type LinkCredentials } from '#agent/session/connect-link.ts';
import type { HostPort } from '#base/host-port.ts';
import { limits } from '#protocol/limits.ts';
import type { DecideFate, Direction } from './frame-fate.ts';
import { FrameLane } from './frame-lane.ts';

/** Between whom it stands. */
export interface FrameProxyOptions {
  /** The agents' listener of the controller. */
  readonly target: HostPort;
  /** The controller's chain and key, PEM, which the agent believes. */
  readonly cert: string;
  readonly key: string;
  /** The cluster's root, PEM. */
  readonly root: string;
  /** The node's, which the controller believes: asked for when it dials. */
  readonly credentials: () => Promise<LinkCredentials>;
}

/** An open proxy. Dispose of it to cut what there is and free the port. */
export class FrameProxy implements AsyncDisposable {
  /** Of every frame of a session from now on. */
  decide: DecideFate = () => 'pass';
  readonly #options: FrameProxyOptions;
  readonly #server: Http2SecureServer;
  readonly #links = new Set<() => void>();
  readonly #sockets = new Set<Socket>();

  private constructor(options: FrameProxyOptions) {
    this.#options = options;
    this.#server = createSecureServer({
      cert: options.cert,
      key: options.key,
      ca: options.root,
      requestCert: true,
      rejectUnauthorized: true,
      settings: { enablePush: false, initialWindowSize: limits.linkStreamWindowBytes },
    });
    this.#server.on('connection', (socket: Socket) => {
      this.#sockets.add(socket);
      socket.once('close', () => this.#sockets.delete(socket));
    });
    this.#server.on('session', (near) => void this.#link(near));
    this.#server.on('sessionError', () => {});
  }

  /** Opens it on a free port. */
  static async start(options: FrameProxyOptions): Promise<FrameProxy> {
    const proxy = new FrameProxy(options);
    proxy.#server.listen(0, '127.0.0.1');
    await once(proxy.#server, 'listening');
    return proxy;
  }

  /** Where the agent is to dial. */
  get address(): HostPort {
    return { host: '127.0.0.1', port: (this.#server.address() as AddressInfo).port };
  }

  /** Cuts every connection. */
  cut(): void {
    for (const cut of this.#links) cut();
    // HTTP/2 may still wait for something before it closes its own.
    for (const socket of this.#sockets) socket.destroy();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const closed = once(this.#server, 'close');
    this.#server.close();
    this.cut();
    await closed;
  }

  /** Connects on behalf of one that was connected. */
  async #link(near: ServerHttp2Session): Promise<void> {
    const over = new AbortController();
    const { target, credentials } = this.#options;
    const dialling = credentials().then((own) => connectLink(target, own, over.signal));
    const cut = () => {
      this.#links.delete(cut);
      over.abort();
      near.destroy();
      void dialling.then((far) => far.cut()).catch(() => {});
    };
    this.#links.add(cut);
    near.on('error', () => {});
    near.once('close', cut);
    near.on('stream', (stream, headers) => {
      stream.on('error', () => {});
      void dialling.then((far) => this.#request(stream, headers, far.connection, cut)).catch(cut);
    });
    await dialling.then((far) => far.connection.once('close', () => near.close())).catch(cut);
  }

  #request(near: ServerHttp2Stream, headers: IncomingHttpHeaders, far: ClientHttp2Session, cut: () => void) {
    if (near.destroyed || far.destroyed) return cut();
    const { ':scheme': _scheme, ':authority': _authority, ...asked } = headers;
    const request = far.request(asked);
    request.on('error', () => {});
    passAnswer(request, near);
    if (headers[':path']?.endsWith('/Session')) this.#passFrames(near, request, cut);
    else {
      near.pipe(request);
      request.pipe(near);
    }
    near.once('close', () => request.close(near.rstCode || constants.NGHTTP2_NO_ERROR));
    request.once('close', () => near.close(request.rstCode || constants.NGHTTP2_NO_ERROR));
  }

  #passFrames(near: ServerHttp2Stream, request: ClientHttp2Stream, cut: () => void): void {
    const decide: DecideFate = (frame) => this.decide(frame);
    const pass = (direction: Direction, from: typeof near | typeof request, to: typeof from) => {
      const lane = new FrameLane({ direction, to, decide, cut });
      from.on('data', (bytes: Buffer) => lane.push(bytes));
      from.once('end', () => to.end());
    };
    pass('up', near, request);
    pass('down', request, near);
  }
}

/** Answers with what the controller answers; agents read no trailers. */
function passAnswer(request: ClientHttp2Stream, near: ServerHttp2Stream): void {
  request.once('response', ({ ':status': status, 'content-type': type, ...rest }) => {
    if (near.destroyed || near.headersSent) return;
    const grpc = Object.fromEntries(Object.entries(rest).filter(([name]) => name.startsWith('grpc-')));
    near.respond({ ':status': status, 'content-type': type, ...grpc });
  });
}
