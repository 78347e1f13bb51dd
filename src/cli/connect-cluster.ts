/**
 * The cluster's API, typed: Connect over HTTP/2 over TLS that trusts the cluster's own root and nothing else. Connects
 * on the first call, and again by itself after a loss; retrying a call is its caller's decision.
 */
import { type Client, createClient, type Interceptor } from '@connectrpc/connect';
import { createConnectTransport } from '@connectrpc/connect-node';
import {
  LoginService,
  RoleService,
  UserService,
  UserTokenService,
} from '#protocol/gen/drover/v1/access_pb.ts';
import {
  ClusterService,
  FileService,
  JoinTokenService,
  NodeService,
  RunService,
  TaskService,
} from '#protocol/gen/drover/v1/api_pb.ts';
import { AuditService } from '#protocol/gen/drover/v1/audit_pb.ts';
import { EventService } from '#protocol/gen/drover/v1/event_pb.ts';
import { limits } from '#protocol/limits.ts';
import { controllerServerName } from '#protocol/version.ts';
import type { Access } from './access-file.ts';
import { WideSessionManager } from './wide-session-manager.ts';

/** A cluster that can be talked to. Disposing of it ends what is under way. */
export interface Connection extends Disposable {
  /** HOST:PORT of its API. */
  readonly address: string;
  /** What it is trusted by, PEM. */
  readonly rootCertificate: string;
  readonly nodes: Client<typeof NodeService>;
  readonly runs: Client<typeof RunService>;
  readonly tasks: Client<typeof TaskService>;
  readonly cluster: Client<typeof ClusterService>;
  readonly joinTokens: Client<typeof JoinTokenService>;
  readonly events: Client<typeof EventService>;
  readonly files: Client<typeof FileService>;
  readonly audit: Client<typeof AuditService>;
  readonly users: Client<typeof UserService>;
  readonly roles: Client<typeof RoleService>;
  readonly userTokens: Client<typeof UserTokenService>;
  readonly login: Client<typeof LoginService>;
}

/** How silence is noticed, milliseconds: after an interval without anything a ping, that is to be answered in time. */
export interface Pinging {
  readonly pingIntervalMs: number;
  readonly pingTimeoutMs: number;
}

const pinging: Pinging = {
  pingIntervalMs: limits.apiPingIntervalMs,
  pingTimeoutMs: limits.apiSilenceMaxMs - limits.apiPingIntervalMs,
};

/** A connection to the cluster that `access` names. Nothing is opened before the first call. */
export function connectCluster(
  { address, rootCertificate, token }: Access,
  ping: Pinging = pinging,
): Connection {
  const sessionManager = new WideSessionManager(`https://${address}`, ping, {
    ca: rootCertificate,
    servername: controllerServerName,
    minVersion: 'TLSv1.3',
  });
  const transport = createConnectTransport({
    httpVersion: '2',
    baseUrl: `https://${address}`,
    sessionManager,
    interceptors: [bearer(token)],
  });
  return {
    address,
    rootCertificate,
    nodes: createClient(NodeService, transport),
    runs: createClient(RunService, transport),
    tasks: createClient(TaskService, transport),
    cluster: createClient(ClusterService, transport),
    joinTokens: createClient(JoinTokenService, transport),
    events: createClient(EventService, transport),
    files: createClient(FileService, transport),
    audit: createClient(AuditService, transport),
    users: createClient(UserService, transport),
    roles: createClient(RoleService, transport),
    userTokens: createClient(UserTokenService, transport),
    login: createClient(LoginService, transport),
    [Symbol.dispose]: () => sessionManager.abort(),
  };
}

function bearer(token: string): Interceptor {
  return (next) => (request) => {
    request.header.set('authorization', `Bearer ${token}`);
    return next(request);
  };
}
