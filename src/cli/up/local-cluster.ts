/** A whole cluster on this machine, as `drover up` runs it: one controller and some agents, each a process of its own. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { writeFileAtomic } from '#base/atomic-file.ts';
import type { Clock } from '#base/clock.ts';
import { formatHostPort, parseHostPort } from '#base/host-port.ts';
import { makeDirectory } from '#base/make-directory.ts';
import { readAccess } from '#cli/access-file.ts';
import { callTimeoutMs } from '#cli/call-options.ts';
import { type Connection, connectCluster } from '#cli/connect-cluster.ts';
import { exitCodes } from '#core/exit-code.ts';
import { agentSpec, controllerSpec } from './daemon-specs.ts';
import { KeptDaemon } from './kept-daemon.ts';
import { planAgentPort, planNodes, type UpLayout, type UpPlan } from './up-layout.ts';

/** What a cluster is started with. */
export interface LocalClusterOptions {
  readonly layout: UpLayout;
  readonly plan: UpPlan;
  readonly clock: Clock;
  readonly environment: NodeJS.ProcessEnv;
  /** Tells the person at the terminal of what happens on its own. */
  readonly notify: (text: string) => void;
}

/** A cluster that runs. Disposing of it stops agents and controller, and no task. */
export interface LocalCluster extends AsyncDisposable {
  /** HOST:PORT of its API. */
  readonly address: string;
  /** Names of its nodes on this machine. */
  readonly nodes: readonly string[];
  /** Those of them that joined at this start. */
  readonly joined: readonly string[];
  readonly connection: Connection;
  /** Resolves when the controller was shut down by somebody else. */
  readonly shutDown: Promise<void>;
}

/**
 * Starts a cluster; commands work on every node when this resolves. When it rejects, nothing of it is left running.
 *
 * @throws DaemonFailedError, DirectoryError, UsageError, the system's error, or the reason of `abort`.
 */
export async function startLocalCluster(
  options: LocalClusterOptions,
  abort: AbortSignal,
): Promise<LocalCluster> {
  const { layout, plan } = options;
  for (const directory of [layout.nodes, layout.logs]) makeDirectory(directory);
  await using stack = new AsyncDisposableStack();
  const { controller, agentPort } = await startController(options, abort);
  stack.use(controller);
  const connection = stack.use(connectCluster(readAccess(layout.controller)));
  const nodes = planNodes(readdirSync(layout.nodes), plan.nodes);
  const joined = nodes.filter((name) => !hasJoined(layout, name));
  if (joined.length > 0) await rememberAgentPort(layout, agentPort);
  const agents = stack.use(new AsyncDisposableStack());
  await startAgents(nodes, { ...options, connection, agents }, abort);
  const running = stack.move();
  return {
    address: connection.address,
    nodes,
    joined,
    connection,
    shutDown: controller.ended.then(() => undefined),
    [Symbol.asyncDispose]: () => running.disposeAsync(),
  };
}

async function startController(options: LocalClusterOptions, abort: AbortSignal) {
  const { layout, plan } = options;
  let listen = plan.listen ?? { host: '127.0.0.1', port: 7443 };
  let agentListen = planAgentPort(plan.agentListen, knownAgentPort(layout));
  const spec = () =>
    controllerSpec(layout, formatHostPort(listen), formatHostPort(agentListen), options.environment);
  const { daemon, ready } = await KeptDaemon.start(
    spec(),
    { ...options, again: spec, isFinal: ({ code }) => code === exitCodes.success },
    abort,
  );
  // It is started again where it was, also when the ports were any.
  listen = { host: listen.host, port: portOf(ready[1]) ?? listen.port };
  agentListen = { host: agentListen.host, port: portOf(ready[2]) ?? agentListen.port };
  return { controller: daemon, agentPort: agentListen.port };
}

interface AgentsOptions extends LocalClusterOptions {
  readonly connection: Connection;
  /** Takes the agents that were started. */
  readonly agents: AsyncDisposableStack;
}

/** All at once; where one fails, the others are told to end too, and the first failure is thrown. */
async function startAgents(
  names: readonly string[],
  options: AgentsOptions,
  abort: AbortSignal,
): Promise<void> {
  const failed = new AbortController();
  const signal = AbortSignal.any([abort, failed.signal]);
  let failure: unknown;
  await Promise.all(
    names.map(async (name) => {
      try {
        options.agents.use(await startAgent(name, options, signal));
      } catch (error) {
        failure ??= error;
        failed.abort();
      }
    }),
  );
  if (failure !== undefined) throw failure;
}

async function startAgent(name: string, options: AgentsOptions, signal: AbortSignal): Promise<KeptDaemon> {
  const { layout, connection, environment } = options;
  const spec = (token?: string) => agentSpec(layout, name, connection.address, environment, token);
  const token = hasJoined(layout, name) ? undefined : await makeToken(connection, name, signal);
  const { daemon } = await KeptDaemon.start(
    spec(token),
    { ...options, again: () => spec(), isFinal: ({ code }) => code === exitCodes.denied },
    signal,
  );
  return daemon;
}

async function makeToken(connection: Connection, name: string, signal: AbortSignal): Promise<string> {
  const { token } = await connection.joinTokens.createJoinToken(
    { names: name },
    { signal, timeoutMs: callTimeoutMs },
  );
  return token;
}

/** An agent has its identity whole or not at all. */
function hasJoined({ nodes }: UpLayout, name: string): boolean {
  return existsSync(join(nodes, name, 'identity'));
}

function portOf(address: string | undefined): number | undefined {
  return address === undefined ? undefined : parseHostPort(address)?.port;
}

function agentPortPath({ lock }: UpLayout): string {
  return join(lock, 'agent-port');
}

function knownAgentPort(layout: UpLayout): number | undefined {
  try {
    return Number(readFileSync(agentPortPath(layout), 'utf8')) || undefined;
  } catch {
    return undefined;
  }
}

function rememberAgentPort(layout: UpLayout, port: number): Promise<void> {
  return writeFileAtomic(agentPortPath(layout), `${port}\n`);
}
