/**
 * The composition root: one controller out of its parts, in one data directory. Started by main.ts as a program of its
 * own and by the test fixture within a process; reads no environment and writes nothing but its log.
 *
 *   lock ─► store ─► upkeep ─► checkpoints ─► certificates ─► agents' listener ─► API ─► access.json      (disposed of in reverse)
 */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { type Clock, systemClock } from '#base/clock.ts';
import { lockDirectory } from '#base/directory-lock.ts';
import { formatHostPort, type HostPort, parseHostPort } from '#base/host-port.ts';
import { version } from '#base/installation.ts';
import type { Logger } from '#base/log.ts';
import type { ApiParts } from '#controller/api/api-parts.ts';
import { startApiServer } from '#controller/api/api-server.ts';
import { StopSwitch } from '#controller/api/stop-switch.ts';
import type { CheckpointPlace } from '#controller/audit/checkpoint-sink.ts';
import { startCheckpoints } from '#controller/audit/checkpoints.ts';
import { accessPath, findAccess, writeAccess } from '#controller/auth/access-file.ts';
import { Authenticator } from '#controller/auth/authenticator.ts';
import { openCertificateAuthority, rootCertificatePath } from '#controller/auth/certificate-authority.ts';
import { createAdminToken } from '#controller/auth/first-admin.ts';
import { NodeCertifier } from '#controller/auth/node-certifier.ts';
import { createIdentityProvider } from '#controller/auth/oidc/identity-provider.ts';
import { readOidcConfig } from '#controller/auth/oidc/oidc-config.ts';
import { isWildcardHost, serverNames } from '#controller/auth/server-names.ts';
import type { SiteCertificateFiles } from '#controller/auth/site-certificate.ts';
import { startDispatch } from '#controller/dispatch/start-dispatch.ts';
import { openStaging } from '#controller/files/staging.ts';
import { pruneEvents } from '#controller/loops/prune-events.ts';
import { Metrics } from '#controller/metrics/metrics.ts';
import { newEvent } from '#controller/store/new-event.ts';
import { openSqliteStore } from '#controller/store/open-store.ts';
import type { Store } from '#controller/store/store.ts';
import type { EventKind } from '#core/event-kinds.ts';
import { limits } from '#protocol/limits.ts';
import { ServedCertificates } from './served-certificates.ts';

/** Where a controller keeps its data and where it listens. */
export interface ControllerOptions {
  /** Made (0700) if need be. */
  readonly dataDirectory: string;
  /** API and console; port 0 for any free one. */
  readonly listen: HostPort;
  /** Agents; port 0 for any free one. */
  readonly agentListen: HostPort;
  readonly log: Logger;
  /** Bytes of files on their way that are kept on disk. Default limits.fileCacheBytesDefault. */
  readonly fileCacheBytes?: number;
  /** Where checkpoints of the audit are kept beside the data directory. Default: nowhere. */
  readonly auditCheckpoints?: readonly CheckpointPlace[];
  /** The key that signs them. Default: one in the data directory. */
  readonly auditKeyFile?: string | undefined;
  /** File about the identity provider. Default: there is none. */
  readonly oidcFile?: string | undefined;
  /** The site's own certificate for API and console. Default: they serve with the cluster's. */
  readonly siteFiles?: SiteCertificateFiles | undefined;
  /** Default: the machine's. */
  readonly clock?: Clock;
}

/** A running controller. Disposing of it ends calls and sessions, closes the store and frees the directory. */
export interface Controller extends AsyncDisposable {
  /** Of the API as this machine reaches it, "https://HOST:PORT". */
  readonly address: string;
  /** Where agents connect to, "HOST:PORT". */
  readonly agentAddress: string;
  /** The cluster's root certificate, PEM. */
  readonly rootCertificate: string;
  /** Admin's token: a secret. */
  readonly adminToken: string;
  /** File that holds address, root certificate and admin's token. */
  readonly accessPath: string;
  /** Whether admin's token was made by this start. */
  readonly madeAdminToken: boolean;
  /** Resolves when an operator has asked for the stop; dispose of the controller then. */
  readonly stopRequested: Promise<void>;
  /** Reads the site's certificate again. Never rejects: what is wrong with it is in the log. */
  reload(): Promise<void>;
}

/**
 * Starts a controller; commands work when this resolves. When it rejects, nothing is left open.
 *
 * @throws DirectoryInUseError, StoreError, IdentityFileError, SiteCertificateError, OidcConfigError; the system's error when it cannot listen or write.
 */
export async function startController(options: ControllerOptions): Promise<Controller> {
  const { dataDirectory, listen, agentListen, log, clock = systemClock } = options;
  const oidc = options.oidcFile === undefined ? undefined : await readOidcConfig(options.oidcFile);
  await using starting = new AsyncDisposableStack();
  starting.use(lockDirectory(dataDirectory, 'drover controller'));
  const metrics = starting.use(new Metrics());
  const store = starting.use(await openStore(dataDirectory, metrics));
  starting.use(pruneEvents({ store, clock, log }));
  starting.use(await startAuditCheckpoints(options, store, clock));
  const record = (kind: EventKind) =>
    store.transact((writer) => writer.insertEvents([newEvent(clock.wallMs(), kind, { data: { version } })]));
  const authority = await openCertificateAuthority({
    directory: join(dataDirectory, 'pki'),
    clock,
    names: serverNames([listen.host, agentListen.host]),
    isPinned: (await store.read.listNodes()).length > 0,
  });
  const { siteFiles } = options;
  const served = starting.use(await ServedCertificates.open({ authority, siteFiles, clock, log }));
  const certifier = new NodeCertifier({ clock, log, authority });
  await record('controller.started');
  starting.defer(() => record('controller.stopped'));
  const dispatch = starting.use(
    await startDispatch({
      store,
      clock,
      log,
      tls: { ca: authority.rootPem, ...authority.controller },
      listen: agentListen,
      certifier,
      version,
      clusterId: await store.read.clusterId(),
      onRoundTrip: (ms) => metrics.roundTrip(ms),
    }),
  );
  const bytesMax = options.fileCacheBytes ?? limits.fileCacheBytesDefault;
  const staging = starting.use(openStaging({ dataDirectory, bytesMax, clock, log }));
  const authenticator = starting.use(new Authenticator({ store, clock, log }));
  const stopSwitch = new StopSwitch();
  const startedAtMs = clock.wallMs();
  const agents = { agentAddress: dispatch.address, agentAddressForNodes: addressForNodes(dispatch.address) };
  const parts = {
    store,
    dispatch,
    authority,
    certifier,
    authenticator,
    login: oidc && { provider: createIdentityProvider(oidc), config: oidc },
    clock,
    log,
    version,
    startedAtMs,
    stopSwitch,
    metrics,
    staging,
    ...agents,
  };
  const api = starting.use(await startApiServer(parts, { listen, certificates: served.current }));
  served.onChange((certificates) => {
    dispatch.useCertificates({ ca: authority.rootPem, ...certificates.own });
    api.useCertificates(certificates);
  });
  const address = `https://${formatHostPort({ host: localHost(api.host), port: api.port })}`;
  const reach = { address, rootCertificate: authority.rootPem };
  const access = await writeAccessFor(parts, dataDirectory, reach);
  log.info({ address, agents: dispatch.address, data: dataDirectory }, 'controller started');
  const running = starting.move();
  return {
    ...reach,
    agentAddress: dispatch.address,
    ...access,
    stopRequested: stopSwitch.requested,
    reload: () => served.reload(),
    [Symbol.asyncDispose]: () => running.disposeAsync(),
  };
}

/** Where there is a root there was a database. */
function openStore(dataDirectory: string, metrics: Metrics): Promise<Store> {
  return openSqliteStore({
    path: join(dataDirectory, 'drover.db'),
    mustBeThere: existsSync(rootCertificatePath(join(dataDirectory, 'pki'))),
    onCommit: (ms, events) => metrics.committed(ms, events),
  });
}

function startAuditCheckpoints(
  options: ControllerOptions,
  store: Store,
  clock: Clock,
): Promise<AsyncDisposable> {
  const { dataDirectory, auditCheckpoints: places = [], auditKeyFile: keyFile, log } = options;
  return startCheckpoints({ directory: join(dataDirectory, 'audit'), keyFile, places, store, clock, log });
}

/**
 * Keeps the token of the last start; makes one where there is none, or where nobody has one. One that is no longer good was revoked, or
 * its user disabled, by somebody who is in: they are not overruled, and who removes the file has a new one made.
 */
async function writeAccessFor(
  { store, authenticator, clock, log }: Pick<ApiParts, 'store' | 'authenticator' | 'clock' | 'log'>,
  dataDirectory: string,
  reach: { readonly address: string; readonly rootCertificate: string },
): Promise<Pick<Controller, 'adminToken' | 'accessPath' | 'madeAdminToken'>> {
  const path = accessPath(dataDirectory);
  const kept = (await findAccess(path))?.token ?? '';
  const madeAdminToken = kept === '' || (await store.read.listUsers()).length === 0;
  if (!madeAdminToken && !(await authenticator.authenticate(kept))) {
    log.warn(
      { path },
      'the token of this file is not good any more: remove the file and start again for another',
    );
  }
  const adminToken = madeAdminToken ? await createAdminToken(store, clock) : kept;
  await writeAccess(path, { ...reach, token: adminToken });
  return { adminToken, accessPath: path, madeAdminToken };
}

/** A listener on every address is reached from this machine by loopback. */
function localHost(host: string): string {
  if (!isWildcardHost(host)) return host;
  return host === '::' ? '::1' : '127.0.0.1';
}

/** A node that joins is told no host where the listener has no particular one: it takes the host that it called. */
function addressForNodes(address: string): string {
  const parsed = parseHostPort(address);
  return parsed && isWildcardHost(parsed.host) ? `:${parsed.port}` : address;
}
