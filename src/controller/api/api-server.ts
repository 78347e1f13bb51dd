/**
 * The listener of the public API: TLS 1.3, HTTP/2 and HTTP/1.1, Connect, gRPC and gRPC-Web. Asks nobody for a client
 * certificate, since browsers would show a prompt. Everything that is wrong with a call is answered before a handler
 * runs; what the handlers do is the services' business.
 */
import {
  constants,
  createSecureServer,
  type Http2SecureServer,
  type Http2ServerRequest,
  type Http2ServerResponse,
} from 'node:http2';
import type { AddressInfo, Socket } from 'node:net';
import { createSecureContext, type SecureContext } from 'node:tls';
import { createConnectRouter } from '@connectrpc/connect';
import type { HostPort } from '#base/host-port.ts';
import type { TlsIdentity } from '#controller/auth/certificate-authority.ts';
import { RefusedError } from '#protocol/errors.ts';
import {
  LoginService,
  RoleService,
  UserService,
  UserTokenService,
} from '#protocol/gen/drover/v1/access_pb.ts';
import {
  ClusterService,
  FileService,
  JoinService,
  JoinTokenService,
  NodeService,
  RunService,
  TaskService,
} from '#protocol/gen/drover/v1/api_pb.ts';
import { AuditService } from '#protocol/gen/drover/v1/audit_pb.ts';
import { EventService } from '#protocol/gen/drover/v1/event_pb.ts';
import { limits } from '#protocol/limits.ts';
import { controllerServerName } from '#protocol/version.ts';
import { toConnectError } from './api-errors.ts';
import type { ApiParts } from './api-parts.ts';
import { createAuditService } from './audit-service.ts';
import { createGate, createInterceptor } from './authorize-calls.ts';
import { CallLimits } from './call-limits.ts';
import { createClusterService } from './cluster-service.ts';
import { cutSilentSessions } from './cut-silent-sessions.ts';
import { createEventService } from './event-service.ts';
import { createFileService } from './file-service.ts';
import { whyForeign } from './foreign-page.ts';
import { createJoinService } from './join-service.ts';
import { createJoinTokenService } from './join-token-service.ts';
import { limitHandshakes } from './limit-handshakes.ts';
import { createLoginService } from './login-service.ts';
import { requireVerbs } from './method-verbs.ts';
import { createNodeService } from './node-service.ts';
import { RefusalRecorder } from './refusal-recorder.ts';
import { createRoleService } from './role-service.ts';
import { createRunService } from './run-service.ts';
import { serveHandlers } from './serve-handlers.ts';
import { serveProbe } from './serve-probes.ts';
import { createTaskService } from './task-service.ts';
import { closeIdleSessions } from './tls-sessions.ts';
import { createUserService } from './user-service.ts';
import { createUserTokenService } from './user-token-service.ts';

/** Every service of the API. */
export const apiServices = [
  NodeService,
  RunService,
  TaskService,
  FileService,
  ClusterService,
  JoinService,
  JoinTokenService,
  EventService,
  AuditService,
  UserService,
  RoleService,
  UserTokenService,
  LoginService,
] as const;

/** Where to listen and as whom. */
export interface ApiServerOptions {
  readonly listen: HostPort;
  readonly certificates: ApiCertificates;
}

/** The API, listening. Disposing of it ends open streams and waits for answers that are under way, for 1 s. */
export interface ApiServer extends AsyncDisposable {
  readonly host: string;
  /** The port it got. */
  readonly port: number;
  /** Serves those who come from now on with these. */
  useCertificates(certificates: ApiCertificates): void;
}

/** What it serves with. */
export interface ApiCertificates {
  /** To who asks for the name "controller.drover": always the cluster's. */
  readonly own: TlsIdentity;
  /** To everybody else; the site's, if it has one. */
  readonly site: TlsIdentity;
}

/** Time for answers that are under way when the server stops. */
const stopGraceMs = 1_000;
/** Calls at once on one HTTP/2 connection; a console with many views open has some tens. */
const streamsMax = 256;
/** A whole request of HTTP/1.1, its body included: the largest is 1 MiB. */
const requestTimeoutMs = 30_000;
/** How late a connection of HTTP/1.1 may be cut whose time is over: Node.js looks at all of them together, by itself each 30 s. */
const checkingIntervalMs = 3_000;

/**
 * Starts the API.
 *
 * @throws MissingVerbError when a method declares no verb; the system's error when it cannot listen.
 */
export async function startApiServer(parts: ApiParts, options: ApiServerOptions): Promise<ApiServer> {
  requireVerbs(apiServices);
  const refusals = new RefusalRecorder(parts);
  const stopping = new AbortController();
  const { server, useCertificates } = createServer(parts, options.certificates);
  server.on(
    'request',
    createListener({ ...parts, refusals, callLimits: new CallLimits(parts) }, stopping.signal),
  );
  server.on('request', cutSlowStrangers);
  closeIdleSessions(server);
  const cutting = cutSilentSessions(server, parts.clock);
  limitHandshakes(server, parts.clock);
  const sockets = trackSockets(server);
  const { port } = await listen(server, options.listen);
  return {
    host: options.listen.host,
    port,
    useCertificates,
    async [Symbol.asyncDispose]() {
      const reason = new RefusedError('STOPPING', 'the controller is stopping');
      stopping.abort(toConnectError(reason, 'any', parts.log));
      cutting[Symbol.dispose]();
      await close(server, sockets);
      await refusals[Symbol.asyncDispose]();
    },
  };
}

function createServer(parts: ApiParts, certificates: ApiCertificates) {
  let contexts = secureContexts(certificates);
  const server = createSecureServer({
    ...certificates.site,
    allowHTTP1: true,
    minVersion: 'TLSv1.3',
    SNICallback: (name, answer: (error: Error | null, context?: SecureContext) => void) =>
      answer(null, name === controllerServerName ? contexts.own : contexts.site),
    handshakeTimeout: limits.handshakeTimeoutMs,
    headersTimeout: limits.headersTimeoutMs,
    connectionsCheckingInterval: checkingIntervalMs,
    requestTimeout: requestTimeoutMs,
    maxHeaderSize: limits.anonymousRequestBytesMax,
    settings: {
      maxHeaderListSize: limits.anonymousRequestBytesMax,
      maxConcurrentStreams: streamsMax,
      initialWindowSize: limits.apiStreamWindowBytes,
    },
  } as Parameters<typeof createSecureServer>[0]);
  server.on('session', (session) => session.setLocalWindowSize(limits.apiConnectionWindowBytes));
  server.on('tlsClientError', (error) => parts.log.debug({ err: error }, 'TLS handshake failed'));
  server.on('sessionError', (error) => parts.log.debug({ err: error }, 'HTTP/2 session failed'));
  const useCertificates = (changed: ApiCertificates) => {
    contexts = secureContexts(changed);
    // For who asks for no name.
    server.setSecureContext({ ...changed.site, minVersion: 'TLSv1.3' });
  };
  return { server, useCertificates };
}

function secureContexts({ own, site }: ApiCertificates) {
  return {
    own: createSecureContext({ ...own, minVersion: 'TLSv1.3' }),
    site: createSecureContext({ ...site, minVersion: 'TLSv1.3' }),
  };
}

function createListener(
  parts: ApiParts & { readonly refusals: RefusalRecorder; readonly callLimits: CallLimits },
  shutdownSignal: AbortSignal,
) {
  const anonymous = { readMaxBytes: limits.anonymousRequestBytesMax };
  const router = createConnectRouter({
    requestGate: createGate(parts),
    interceptors: [createInterceptor(parts)],
    readMaxBytes: limits.messageBytesMax,
    // Compression would cost more than it brings where it matters: on output, from nodes as near as their controller. And its data
    // comes past the encoders (bulk-data.ts).
    acceptCompression: [],
    shutdownSignal,
  })
    .service(NodeService, createNodeService(parts))
    .service(RunService, createRunService(parts))
    .service(TaskService, createTaskService(parts))
    .service(ClusterService, createClusterService(parts))
    .service(JoinService, createJoinService(parts), anonymous)
    .service(JoinTokenService, createJoinTokenService(parts))
    .service(EventService, createEventService(parts))
    .service(FileService, createFileService(parts))
    .service(AuditService, createAuditService(parts))
    .service(UserService, createUserService(parts))
    .service(RoleService, createRoleService(parts))
    .service(UserTokenService, createUserTokenService(parts))
    .service(LoginService, createLoginService(parts), anonymous);
  const serve = serveHandlers(router.handlers, parts.log);
  return (request: Http2ServerRequest, response: Http2ServerResponse) => {
    const { method, headers, authority } = request;
    const why = whyForeign({ method, headers, authority: authority || (headers.host ?? '') });
    if (why !== undefined) response.writeHead(403, { 'content-type': 'text/plain' }).end(`${why}\n`);
    else if (!serveProbe(parts, request, response)) serve(request, response);
  };
}

/** A call that anyone may make, whose message is read before its caller is known, has as long as its headers had. */
function cutSlowStrangers(request: Http2ServerRequest, response: Http2ServerResponse): void {
  // HTTP/1.1 comes here too, and has the server's own time limit.
  const isOpen = [JoinService, LoginService].some(({ typeName }) => request.url.startsWith(`/${typeName}/`));
  if (request.httpVersionMajor < 2 || !isOpen) return;
  const cut = () => request.stream.close(constants.NGHTTP2_CANCEL);
  const timer = setTimeout(cut, limits.headersTimeoutMs);
  request.once('end', () => clearTimeout(timer));
  response.once('close', () => clearTimeout(timer));
}

function listen(server: Http2SecureServer, { host, port }: HostPort): Promise<AddressInfo> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen({ host, port }, () => {
      server.off('error', reject);
      resolve(server.address() as AddressInfo);
    });
  });
}

function trackSockets(server: Http2SecureServer): ReadonlySet<Socket> {
  const sockets = new Set<Socket>();
  server.on('connection', (socket: Socket) => {
    sockets.add(socket);
    socket.once('close', () => sockets.delete(socket));
  });
  return sockets;
}

async function close(server: Http2SecureServer, sockets: ReadonlySet<Socket>): Promise<void> {
  const timer = setTimeout(() => {
    for (const socket of sockets) socket.destroy();
  }, stopGraceMs);
  await new Promise<void>((resolve) => server.close(() => resolve()));
  clearTimeout(timer);
}
