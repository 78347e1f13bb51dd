/** The agent as a program. */
import { readFile } from 'node:fs/promises';
import { text } from 'node:stream/consumers';
import { clockAtRate } from '#base/clock-rate.ts';
import { renderHelp, UsageError } from '#base/command-line.ts';
import { armFailpoints } from '#base/failpoint.ts';
import { version } from '#base/installation.ts';
import { createLog } from '#base/log.ts';
import { programArguments } from '#base/program-arguments.ts';
import { redactSecrets } from '#base/redact-secrets.ts';
import { exitCodes } from '#core/exit-code.ts';
import { JoinTokenError, parseJoinToken } from '#core/join-token.ts';
import { type Agent, NotJoinedError, startAgent } from './agent.ts';
import { type AgentConfig, agentSyntax, defaultController, readConfig, type TokenSource } from './config.ts';
import { JoinError } from './join-error.ts';

process.exitCode = await run();

/** @returns the exit code. */
async function run(): Promise<number> {
  try {
    const [first, ...others] = programArguments();
    if (first === 'check-policy') return await (await import('./check-policy.ts')).checkPolicy(others);
    const config = readConfig(programArguments());
    if (config.show) return show(config.show);
    // Instead of the command line as it was given: a join token in it must not stay in the process list.
    process.title = `drover agent --data ${config.directory}`;
    return await runAgent(config);
  } catch (error) {
    return fail(error);
  }
}

function show(what: 'help' | 'version'): number {
  process.stdout.write(what === 'help' ? renderHelp(agentSyntax) : `${version}\n`);
  return exitCodes.success;
}

async function runAgent(config: AgentConfig): Promise<number> {
  using stop = listenForStop(config.untilStdinCloses);
  const log = createLog('drover-agent', config.logLevel);
  armFailpoints(config.failpoints, log);
  const { directory, policyFile, preset, controller, name, logQuota } = config;
  const token = config.token && parseJoinToken(await readToken(config.token));
  const join = token && { token, controller: controller ?? defaultController, name };
  const clock = clockAtRate(config.clockRate, log);
  let running: Agent | undefined;
  const reload = () => running?.reloadPolicy();
  process.on('SIGHUP', reload);
  try {
    await using agent = await startAgent(
      { directory, policyFile, preset, join, controller, logQuota, clock, log },
      stop.signal,
    );
    running = agent;
    return await stayUntilStopped(agent, stop.signal);
  } catch (error) {
    if (stop.signal.aborted && error === stop.signal.reason) return exitCodes.success;
    throw error;
  } finally {
    process.off('SIGHUP', reload);
  }
}

async function stayUntilStopped(agent: Agent, stop: AbortSignal): Promise<number> {
  void agent.ready.then(() => process.stdout.write(`ready ${agent.name}\n`));
  const stopped = new Promise<undefined>((resolve) => {
    if (stop.aborted) resolve(undefined);
    stop.addEventListener('abort', () => resolve(undefined), { once: true });
  });
  const dismissal = await Promise.race([stopped, agent.dismissed]);
  if (dismissal === undefined) return exitCodes.success;
  process.stderr.write(`drover agent: the controller refuses node ${agent.name} for good: ${dismissal}\n`);
  return exitCodes.denied;
}

/** Aborts at SIGTERM, SIGINT and, if wanted, the end of standard input. Keeps the program alive until it is disposed of. */
function listenForStop(untilStdinCloses: boolean): Disposable & { readonly signal: AbortSignal } {
  const controller = new AbortController();
  const stop = () => controller.abort();
  const alive = setInterval(() => {}, 2 ** 30);
  process.once('SIGTERM', stop).once('SIGINT', stop);
  // Whoever started us may have gone: that is no reason to fail.
  process.stdout.on('error', () => {});
  if (untilStdinCloses) process.stdin.once('end', stop).once('error', stop).resume();
  return {
    signal: controller.signal,
    [Symbol.dispose]() {
      clearInterval(alive);
      process.off('SIGTERM', stop).off('SIGINT', stop);
      if (untilStdinCloses) process.stdin.destroy();
    },
  };
}

async function readToken(source: TokenSource): Promise<string> {
  if (source.from === 'text') return source.text;
  if (source.path === '-') return await text(process.stdin);
  try {
    return await readFile(source.path, 'utf8');
  } catch (error) {
    throw new UsageError(
      `cannot read the join token in ${source.path}: ${(error as NodeJS.ErrnoException).code}`,
    );
  }
}

function fail(error: unknown): number {
  const message = error instanceof Error ? error.message : String(error);
  process.stderr.write(`drover agent: ${redactSecrets(message.replace(/^drover agent: /, ''))}\n`);
  if (error instanceof UsageError || error instanceof JoinTokenError || error instanceof NotJoinedError) {
    return exitCodes.usage;
  }
  return error instanceof JoinError && error.denied ? exitCodes.denied : exitCodes.requestFailed;
}
