/** The part of a controller's API that joining needs, with whatever certificate and root a test gives it. */
import { once } from 'node:events';
import { createSecureServer, type ServerHttp2Session } from 'node:http2';
import type { AddressInfo } from 'node:net';
import type { ConnectRouter, HandlerContext } from '@connectrpc/connect';
import { connectNodeAdapter } from '@connectrpc/connect-node';
import { type JoinRequest, type JoinResponse, JoinService } from '#protocol/gen/drover/v1/api_pb.ts';
import type { TestIdentity } from './test-pki.ts';

/** What the peer is made of. */
export interface ApiPeerOptions {
  readonly identity: TestIdentity;
  /** What GetRoot answers. */
  readonly rootDer: Uint8Array;
  readonly join: (request: JoinRequest) => Promise<Partial<Omit<JoinResponse, '$typeName'>>>;
}

/** Records everything that it is told. */
export class ApiPeer implements AsyncDisposable {
  readonly address: { host: string; port: number };
  /** Join requests that came. */
  readonly joins: JoinRequest[] = [];
  /** Every byte of a request's body that came. */
  readonly received: Buffer[] = [];
  /** Names that the callers asked for by SNI. */
  readonly serverNames: (string | undefined)[] = [];
  readonly #server;
  readonly #connections = new Set<ServerHttp2Session>();

  private constructor(server: ReturnType<typeof createSecureServer>, options: ApiPeerOptions) {
    this.#server = server;
    this.address = { host: '127.0.0.1', port: (server.address() as AddressInfo).port };
    const adapter = connectNodeAdapter({
      routes: (router: ConnectRouter) =>
        router.service(JoinService, {
          getRoot: () => ({ rootCertificate: options.rootDer }),
          join: (request: JoinRequest, _context: HandlerContext) => {
            this.joins.push(request);
            return options.join(request);
          },
        }),
    });
    server.on('session', (session) => {
      this.#connections.add(session);
      this.serverNames.push((session.socket as { servername?: string }).servername);
    });
    server.on('request', (request, response) => {
      request.on('data', (bytes: Buffer) => this.received.push(Buffer.from(bytes)));
      adapter(request, response);
    });
  }

  static async listen(options: ApiPeerOptions): Promise<ApiPeer> {
    const { key, certificate } = options.identity;
    const server = createSecureServer({ key, cert: certificate, minVersion: 'TLSv1.3' });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    return new ApiPeer(server, options);
  }

  /** Whether these bytes were in anything that came. */
  saw(bytes: Uint8Array): boolean {
    return Buffer.concat(this.received).includes(Buffer.from(bytes));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const connection of this.#connections) connection.destroy();
    await new Promise((resolve) => this.#server.close(resolve));
  }
}
