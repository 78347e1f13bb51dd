/**
 * A real API for tests: TLS on port 0, a real SQLite store in a temporary directory, real certificates; only dispatch is
 * a fake. Disposing of it leaves nothing behind.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { DescService } from '@bufbuild/protobuf';
import { create } from '@bufbuild/protobuf';
import { type Client, createClient, type Interceptor, type Transport } from '@connectrpc/connect';
import { createConnectTransport, Http2SessionManager } from '@connectrpc/connect-node';
import { FakeClock } from '#base/clock.ts';
import { createLog } from '#base/log.ts';
import type { ApiParts } from '#controller/api/api-parts.ts';
import { type ApiServer, startApiServer } from '#controller/api/api-server.ts';
import { StopSwitch } from '#controller/api/stop-switch.ts';
import { Authenticator } from '#controller/auth/authenticator.ts';
import { openCertificateAuthority } from '#controller/auth/certificate-authority.ts';
import { createAdminToken } from '#controller/auth/first-admin.ts';
import { NodeCertifier } from '#controller/auth/node-certifier.ts';
import { serverNames } from '#controller/auth/server-names.ts';
import { makeUserToken } from '#controller/auth/user-tokens.ts';
import { openStaging } from '#controller/files/staging.ts';
import { Metrics } from '#controller/metrics/metrics.ts';
import { newNode } from '#controller/store/new-node.ts';
import { openSqliteStore } from '#controller/store/open-store.ts';
import { exited } from '#core/outcome.ts';
import { AttemptSchema, Cause, type Task, TaskState } from '#protocol/gen/drover/v1/task_pb.ts';
import type { NodeName, TaskId } from '#protocol/ids.ts';
import { FakeDispatch } from './fake-dispatch.ts';

/** What a test may choose. */
export interface ApiFixtureOptions extends Partial<Pick<ApiParts, 'login'>> {
  readonly fileCacheBytes?: number;
}

/** A running API, and hands on everything behind it. */
export class ApiFixture implements AsyncDisposable {
  readonly parts: ApiParts & { readonly dispatch: FakeDispatch; readonly clock: FakeClock };
  readonly adminToken: string;
  readonly server: ApiServer;
  readonly #cleanup: AsyncDisposableStack;

  private constructor(
    parts: ApiFixture['parts'],
    adminToken: string,
    server: ApiServer,
    cleanup: AsyncDisposableStack,
  ) {
    this.parts = parts;
    this.adminToken = adminToken;
    this.server = server;
    this.#cleanup = cleanup;
  }

  /** @param fileCacheBytes what is kept of files on their way. */
  static async start({ fileCacheBytes = 64 << 20, login }: ApiFixtureOptions = {}): Promise<ApiFixture> {
    await using starting = new AsyncDisposableStack();
    const directory = await mkdtemp(join(tmpdir(), 'drover-api-'));
    starting.defer(() => rm(directory, { recursive: true, force: true }));
    const clock = new FakeClock(Date.now());
    const metrics = starting.use(new Metrics());
    const store = starting.use(
      await openSqliteStore({
        path: join(directory, 'drover.db'),
        onCommit: (ms, events) => metrics.committed(ms, events),
      }),
    );
    const authority = await openCertificateAuthority({
      directory: join(directory, 'pki'),
      clock,
      names: serverNames(['127.0.0.1']),
    });
    const log = createLog('test', 'silent');
    const authenticator = starting.use(new Authenticator({ store, clock, log }));
    const staging = starting.use(
      openStaging({ dataDirectory: directory, bytesMax: fileCacheBytes, clock, log }),
    );
    const parts = {
      store,
      dispatch: new FakeDispatch(),
      authority,
      certifier: new NodeCertifier({ clock, log, authority }),
      authenticator,
      login,
      clock,
      log,
      version: '0.0.0-test',
      startedAtMs: clock.wallMs(),
      agentAddress: '127.0.0.1:7444',
      agentAddressForNodes: ':7444',
      stopSwitch: new StopSwitch(),
      metrics,
      staging,
    };
    const server = starting.use(
      await startApiServer(parts, {
        listen: { host: '127.0.0.1', port: 0 },
        certificates: { own: authority.controller, site: authority.controller },
      }),
    );
    const adminToken = await createAdminToken(store, clock);
    return new ApiFixture(parts, adminToken, server, starting.move());
  }

  get address(): string {
    return `https://127.0.0.1:${this.server.port}`;
  }

  /** A transport that sends `token`, by default admin's; none where it is undefined. */
  transport(token: string | undefined = this.adminToken): Transport {
    return this.#transport([bearer(token)]);
  }

  /** A transport without a token. */
  anonymousTransport(): Transport {
    return this.#transport([]);
  }

  /** Admin's client of a service. */
  client<S extends DescService>(service: S): Client<S> {
    return createClient(service, this.transport());
  }

  /** Records a user with these roles. @returns the text of a token. */
  async addUser(name: string, ...roles: string[]): Promise<string> {
    const createdAtMs = this.parts.clock.wallMs();
    const scope = { description: '', roles: [], verbs: [], expiresAtMs: undefined };
    const { text, record } = makeUserToken({ user: name, createdAtMs, ...scope });
    await this.parts.store.transact(async (writer) => {
      await writer.insertUser({ name, roles, disabled: false, subject: '', createdBy: 'admin', createdAtMs });
      await writer.insertUserToken(record);
    });
    return text;
  }

  /** Records nodes with these names. */
  async addNodes(...names: NodeName[]): Promise<void> {
    await this.parts.store.transact(async (writer) => {
      for (const name of names) {
        await writer.insertNode(
          newNode({
            name,
            keyFingerprint: name,
            labels: { name },
            joinedAtMs: this.parts.clock.wallMs(),
          }),
        );
      }
    });
  }

  /** Records a change of a task and publishes it. */
  async changeTask(id: TaskId, change: Partial<Task>): Promise<Task> {
    const [task] = await this.parts.store.read.getTasks([id]);
    if (!task) throw new Error(`no task ${id}`);
    const changed = { ...task, ...change };
    await this.parts.store.transact((writer) => writer.updateTasks([changed]));
    this.parts.dispatch.changeTask(changed);
    return changed;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#cleanup.disposeAsync();
  }

  #transport(interceptors: Interceptor[]): Transport {
    const ca = this.parts.authority.rootPem;
    const sessionManager = new Http2SessionManager(this.address, {}, { ca });
    this.#cleanup.defer(() => sessionManager.abort());
    return createConnectTransport({ httpVersion: '2', baseUrl: this.address, sessionManager, interceptors });
  }
}

/** A first attempt that runs, as `changeTask` takes it. */
export function running(pid: number): Partial<Task> {
  const state = TaskState.RUNNING;
  return { state, attempts: [create(AttemptSchema, { number: 1, state, pid })] };
}

/** A first attempt that exited, having printed so many bytes on standard output. */
export function ended(code: number, stdoutBytes = 0n): Partial<Task> {
  const state = TaskState.ENDED;
  const outcome = exited(code);
  const cause = Cause.ITSELF;
  const attempt = create(AttemptSchema, { number: 1, state, pid: 4711, outcome, cause, stdoutBytes });
  return { state, outcome, cause, attempts: [attempt] };
}

function bearer(token: string): Interceptor {
  return (next) => (request) => {
    request.header.set('authorization', `Bearer ${token}`);
    return next(request);
  };
}
