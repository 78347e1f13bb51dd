/**
 * One agent, put together: identity, policy, tasks, link. The program (main.ts) and the tests' clusters start it with
 * everything given explicitly.
 */
import { userInfo } from 'node:os';
import { join } from 'node:path';
import type { Clock } from '#base/clock.ts';
import { lockDirectory } from '#base/directory-lock.ts';
import type { HostPort } from '#base/host-port.ts';
import { version } from '#base/installation.ts';
import type { Logger } from '#base/log.ts';

import { auditLaunches, auditOrders } from './audit/audit-orders.ts';
import { NodeAudit } from './audit/node-audit.ts';

import { defaultController } from './config.ts';

import { FileHost } from './files/file-host.ts';
import { Accounts } from './host/accounts.ts';
import { readHostFacts } from './host/facts.ts';
import { resolveLaunch } from './host/resolve-launch.ts';
import { findIdentity, type NodeIdentity, storeIdentity } from './identity.ts';
import type { JoinOptions } from './join.ts';
import { KeptCredentials } from './kept-credentials.ts';
import type { LogQuota } from './logs/log-quota.ts';
import { decideSignal, limitsOf } from './policy/decide-launch.ts';
import type { PolicyFile } from './policy/policy-file.ts';
import { type Preset, writeStarterPolicy } from './policy/starter-policy.ts';
import { logPolicy, type WatchedPolicy, watchPolicy } from './policy/watch-policy.ts';
import { TaskHost } from './process/task-host.ts';
import { keepLinked } from './session/keep-linked.ts';

/** What an agent is started with. */
export interface AgentOptions {
  /** Its state directory; made if need be, and locked while the agent lives. */
  readonly directory: string;
  /** The node's policy; a starter one is written when the node joins, or where `preset` is given, and there is none. */
  readonly policyFile: string;
  /** Which starter policy; `confined` where nobody says. */
  readonly preset?: Preset | undefined;
  /** How to join; used only where the node has not joined yet. */
  readonly join?: JoinOptions | undefined;
  /** The controller's API, where it is no longer where this node joined. */
  readonly controller?: HostPort | undefined;
  readonly clock: Clock;
  readonly log: Logger;
  /** For the jitter of reconnects, in [0, 1); default Math.random. */
  readonly random?: () => number;
  /** How much of what tasks print is kept; default defaultLogQuota. */
  readonly logQuota?: LogQuota;
  /** The supervisor's binary; default that of this installation. */
  readonly supervisorBinary?: string;
}

/** The node belongs to no cluster and was not told how to join one. */
export class NotJoinedError extends Error {
  override readonly name = 'NotJoinedError';
}

/** Whom root's agent runs tasks as by default: the user that the installer makes for them; confined, else nobody. */
const taskUsers: Readonly<Record<Preset, readonly string[]>> = {
  confined: ['drover-task', 'nobody'],
  open: ['drover-task'],
};

/** What an agent is made of, beside its identity. */
interface AgentParts {
  readonly workload: TaskHost;
  readonly audit: NodeAudit;
  readonly policy: WatchedPolicy;
}

/** A running agent. Dispose of it to stop it: its session closes, its tasks go on, a supervisor without tasks ends. */
export class Agent implements AsyncDisposable {
  /** The node's name. */
  readonly name: string;
  /** Resolves when the controller has let the node in for the first time. Never rejects. */
  readonly ready: Promise<void>;
  /** Resolves with the reason when the controller wants the node no more; with undefined when the agent was stopped. */
  readonly dismissed: Promise<string | undefined>;
  readonly #stop = new AbortController();
  readonly #policyFile: PolicyFile;
  readonly #log: Logger;
  readonly #resources: AsyncDisposableStack;

  /** Takes over `resources`; use startAgent. */
  constructor(
    options: AgentOptions,
    identity: NodeIdentity,
    { workload, audit, policy: { policyFile, factsChanged } }: AgentParts,
    resources: AsyncDisposableStack,
  ) {
    const { clock, log, random = Math.random } = options;
    const { directory, controller } = options;
    const ready = Promise.withResolvers<void>();
    const kept = new KeptCredentials({
      directory,
      identity,
      controller: controller ?? identity.controller ?? apiBeside(identity.agentAddress),
      clock,
      log,
    });
    this.name = identity.name;
    this.ready = ready.promise;
    this.#policyFile = policyFile;
    this.#log = log;
    this.#resources = resources;
    this.dismissed = keepLinked(
      {
        workload: auditOrders(workload, audit),
        clock,
        log,
        random,
        version,
        address: identity.agentAddress,
        credentials: (abort) => kept.current(abort),
        takeCertificate: (certificates) => kept.take(certificates),
        readFacts: () => readHostFacts(workload.supervisorVersion, policyFile.standing()),
        factsChanged,
        onWelcome: () => {
          log.info({ node: identity.name }, 'session with the controller');
          ready.resolve();
        },
      },
      this.#stop.signal,
    );
  }

  /** Reads the policy file now, and says in the log what came of it. */
  reloadPolicy(): void {
    if (!this.#policyFile.reload()) logPolicy(this.#policyFile, this.#log);
  }

  /** Twice is once. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#stop.abort();
    await this.dismissed;
    await this.#resources[Symbol.asyncDispose]();
  }
}

/**
 * Starts an agent: joins if need be, finds its tasks, and begins to dial. Does not wait for the controller.
 *
 * @throws DirectoryInUseError, NotJoinedError, JoinError, IdentityDamagedError, what TaskHost.open throws, or the reason
 *   of `abort`; everything is then let go.
 */
export async function startAgent(options: AgentOptions, abort: AbortSignal): Promise<Agent> {
  await using resources = new AsyncDisposableStack();
  resources.use(lockDirectory(options.directory, 'drover agent'));
  const accounts = new Accounts(options.clock);
  const identity = await settleIdentity(options, accounts, abort);
  const audit = resources.use(new NodeAudit(join(options.directory, 'audit'), options.clock, options.log));
  const policy = watchPolicy(options.policyFile, userInfo().uid, options.clock, options.log);
  const workload = await openTaskHost(options, identity, accounts, { audit, policy });
  resources.use(workload);
  resources.defer(() => shutDownIdleSupervisor(workload, options.log));
  return new Agent(options, identity, { workload, audit, policy }, resources.move());
}

async function settleIdentity(options: AgentOptions, accounts: Accounts, abort: AbortSignal) {
  const { directory, join, preset, log } = options;
  const known = await findIdentity(directory);
  if (known) {
    if (join) log.warn(`this is node ${known.name} already; the join token was not used`);
    if (preset) await writePolicy(options, accounts);
    return known;
  }
  if (!join) throw new NotJoinedError('this node has not joined a cluster; give --join TOKEN');
  // A node joins once; what that needs would be a fifth of the memory of every agent after it.
  const { joinCluster } = await import('./join.ts');
  const identity = await joinCluster(join, abort);
  await storeIdentity(directory, identity);
  log.info({ node: identity.name, cluster: identity.clusterId }, 'joined');
  await writePolicy(options, accounts);
  return identity;
}

async function writePolicy({ policyFile, preset, log }: AgentOptions, accounts: Accounts): Promise<void> {
  const own = userInfo();
  const chosen = preset ?? 'confined';
  const task = own.uid === 0 ? await findFirst(taskUsers[chosen], accounts) : undefined;
  const users = { own: own.username, task };
  if (await writeStarterPolicy(policyFile, chosen, users)) {
    log.warn(`wrote the policy of this node to ${policyFile} (preset ${chosen})`);
  } else if (preset) log.warn(`${policyFile} is there already and was left as it is`);
}

async function findFirst(names: readonly string[], accounts: Accounts): Promise<string | undefined> {
  for (const name of names) {
    if ('found' in (await accounts.find(name))) return name;
  }
  return undefined;
}

/** For a node that joined before where it did was noted. */
function apiBeside({ host }: HostPort): HostPort {
  return { host, port: defaultController.port };
}

function openTaskHost(
  options: AgentOptions,
  { name }: NodeIdentity,
  accounts: Accounts,
  { audit, policy: { policyFile } }: Omit<AgentParts, 'workload'>,
): Promise<TaskHost> {
  const { directory, clock, log, random, supervisorBinary, logQuota } = options;
  const agentUid = userInfo().uid;
  const files = new FileHost({ directory, policyFile, audit, clock, log });
  return TaskHost.open({
    directory,
    clock,
    log,
    decideLaunch: auditLaunches(resolveLaunch({ policyFile, accounts, clock, node: name, agentUid }), audit),
    decideSignal: (signal) => decideSignal(policyFile.current(), signal),
    launchLimits: () => limitsOf(policyFile.current()),
    carryOutFiles: (...order) => files.carryOut(...order),
    ...(supervisorBinary !== undefined && { supervisorBinary }),
    ...(logQuota && { logQuota }),
    ...(random && { random }),
  });
}

async function shutDownIdleSupervisor(workload: TaskHost, log: Logger): Promise<void> {
  try {
    await workload.shutdownSupervisor();
  } catch (error) {
    log.warn({ err: error }, 'the supervisor could not be asked to end');
  }
}
