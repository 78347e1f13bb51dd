/** The program `drover controller`: options in, one controller, one line when it is ready, one line when it cannot start. */
import { join } from 'node:path';
import { getSystemErrorMessage } from 'node:util';
import { clockAtRate } from '#base/clock-rate.ts';
import { renderHelp, UsageError } from '#base/command-line.ts';
import { armFailpoints } from '#base/failpoint.ts';
import { formatHostPort } from '#base/host-port.ts';
import { version } from '#base/installation.ts';
import { createLog } from '#base/log.ts';
import { makeDirectory } from '#base/make-directory.ts';
import { programArguments } from '#base/program-arguments.ts';
import { redactSecrets } from '#base/redact-secrets.ts';
import { type ControllerConfig, controllerSyntax, readCommand } from './config.ts';
import { type Controller, startController } from './controller.ts';
import { OwnShell } from './own-shell.ts';

process.exitCode = await main(programArguments());

/** @returns the exit code: 0 stopped as asked, 1 could not start, 2 usage. */
async function main(argv: readonly string[]): Promise<number> {
  try {
    const command = readCommand(argv);
    if (command.kind === 'run') return await run(command.config);
    process.stdout.write(command.kind === 'help' ? renderHelp(controllerSyntax) : `${version}\n`);
    return 0;
  } catch (error) {
    if (error instanceof UsageError) {
      process.stderr.write(`${error.message}\n`);
      return 2;
    }
    process.stderr.write(`drover controller: ${redactSecrets(explain(error))}\n`);
    return 1;
  }
}

/** @returns 0; of lines that came from no terminal, the exit code of the last one that failed. */
async function run(config: ControllerConfig): Promise<number> {
  using stop = listenForStop(config);
  if (config.shell) makeDirectory(config.dataDirectory);
  const logPath = config.shell ? join(config.dataDirectory, 'controller.log') : undefined;
  const log = createLog('controller', config.logLevel, logPath);
  armFailpoints(config.failpoints, log);
  await using controller = await startController({
    ...config,
    clock: clockAtRate(config.clockRate, log),
    log,
  });
  // Who holds our standard input is a program that knows where it put our data.
  if (controller.madeAdminToken && !config.untilStdinCloses) {
    process.stderr.write(`drover controller: the admin token is in ${controller.accessPath}\n`);
  }
  using _reloading = config.shell ? undefined : reloadOnHangup(controller);
  process.stdout.write(`ready ${controller.address} agents ${controller.agentAddress}\n`);
  await using shell = config.shell ? new OwnShell(config.dataDirectory) : undefined;
  const why = await Promise.race([
    stop.asked,
    controller.stopRequested.then(() => 'an operator'),
    ...(shell ? [shell.ended] : []),
  ]);
  log.info({ why: typeof why === 'number' ? 'the prompt was left' : why }, 'stopping');
  return typeof why === 'number' ? why : 0;
}

/** With a prompt a hangup is the terminal's, and stops the controller. */
function reloadOnHangup(controller: Controller): Disposable {
  const reload = () => void controller.reload();
  process.on('SIGHUP', reload);
  return { [Symbol.dispose]: () => void process.off('SIGHUP', reload) };
}

/**
 * Resolves with who asked: a signal, or the end of standard input. From the start on, so that none is missed. With a prompt, Ctrl-C
 * is what the prompt's commands make of it, and a terminal that goes away stops the controller as well. Keeps the program alive until
 * it is disposed of: no timer of ours does, and a connection that is on its way out does not either.
 */
function listenForStop({
  untilStdinCloses,
  shell,
}: ControllerConfig): Disposable & { readonly asked: Promise<string> } {
  const { promise: asked, resolve } = Promise.withResolvers<string>();
  const onEnd = () => resolve('standard input');
  const onInterrupt = shell ? () => {} : resolve;
  const alive = setInterval(() => {}, 2 ** 30);
  process.once('SIGTERM', resolve);
  process.on('SIGINT', onInterrupt);
  if (shell) process.once('SIGHUP', resolve);
  if (untilStdinCloses) process.stdin.once('end', onEnd).once('error', onEnd).resume();
  return {
    asked,
    [Symbol.dispose]() {
      clearInterval(alive);
      process.off('SIGTERM', resolve);
      process.off('SIGINT', onInterrupt);
      process.off('SIGHUP', resolve);
      if (untilStdinCloses) process.stdin.off('end', onEnd).off('error', onEnd).destroy();
    },
  };
}

/** One line with the whole chain of causes. */
function explain(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const line = explainListen(error) ?? error.message;
  return error.cause === undefined ? line : `${line}: ${explain(error.cause)}`;
}

/** The system's own error of a listener, in our words; undefined for any other. */
function explainListen(error: Error): string | undefined {
  const { syscall, errno, address = '', port = 0 } = error as NodeJS.ErrnoException & ListenFailure;
  if (syscall !== 'listen' || errno === undefined) return undefined;
  return `cannot listen on ${formatHostPort({ host: address, port })}: ${getSystemErrorMessage(errno)}`;
}

interface ListenFailure {
  readonly address?: string;
  readonly port?: number;
}
