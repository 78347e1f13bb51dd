/** `drover up`: a whole cluster on this machine, until it is left. */
import { userInfo } from 'node:os';
import { join, resolve } from 'node:path';
import { delay } from '#base/clock.ts';
import type { CommandLine } from '#base/command-line.ts';
import { DirectoryInUseError, lockDirectory } from '#base/directory-lock.ts';
import { installationRoot, version } from '#base/installation.ts';
import type { CommandContext } from '#cli/command.ts';
import { CommandError } from '#cli/command-error.ts';
import { defaultDataDirectory } from '#cli/config.ts';
import { printFailure } from '#cli/print-failure.ts';
import type { Lines } from '#cli/shell/lines.ts';
import { openLines } from '#cli/shell/open-lines.ts';
import { runPrompt } from '#cli/shell/prompt.ts';
import type { upSyntax } from '#cli/syntax/cluster-syntax.ts';
import { DaemonFailedError } from '#cli/up/kept-daemon.ts';
import { type LocalCluster, startLocalCluster } from '#cli/up/local-cluster.ts';
import { stopTasks } from '#cli/up/stop-tasks.ts';
import { layoutOf, planUp, type UpLayout, type UpPlan } from '#cli/up/up-layout.ts';
import { renderWelcome } from '#cli/up/welcome.ts';
import { exitCodes } from '#core/exit-code.ts';

/** A controller that was shut down has ended after so many milliseconds. */
const shutDownMs = 2_000;

const leaveHint = 'Ctrl-C once more stops the cluster; so does exit.';

/** Exit code 0 after an orderly end; that of the last failing line where lines came from no terminal. */
export async function up(
  context: CommandContext,
  line: CommandLine<(typeof upSyntax)['options']>,
): Promise<number> {
  const plan = planUp(line);
  const layout = layoutOf(resolve(line.options.data ?? context.dataDirectory));
  using _lock = lockUp(layout);
  using leave = listenForLeave(context);
  const session = new UpSession(context, layout, plan);
  try {
    return await session.live(leave);
  } catch (error) {
    if (leave.signal.aborted && error === leave.signal.reason) return exitCodes.success;
    if (error instanceof DaemonFailedError) throw new CommandError(exitCodes.requestFailed, error.message);
    throw error;
  }
}

function lockUp({ root, lock }: UpLayout): Disposable {
  try {
    return lockDirectory(lock, 'drover up');
  } catch (error) {
    if (!(error instanceof DirectoryInUseError)) throw error;
    const holder = error.message.replace(/^.* is in use by /, '');
    throw new CommandError(exitCodes.requestFailed, `${root} is in use by ${holder}`, { cause: error });
  }
}

/** What ends an `up`: `signal` at the first Ctrl-C, SIGTERM, hang-up or `now()`, `hurry` at the next one. */
interface Leave extends Disposable {
  readonly signal: AbortSignal;
  readonly hurry: AbortSignal;
  now(): void;
}

function listenForLeave({ interrupts }: CommandContext): Leave {
  const first = new AbortController();
  const second = new AbortController();
  const onSignal = () => (first.signal.aborted ? second : first).abort();
  const listening = interrupts.listen(onSignal);
  process.on('SIGTERM', onSignal).on('SIGHUP', onSignal);
  return {
    signal: first.signal,
    hurry: second.signal,
    now: () => first.abort(),
    [Symbol.dispose]() {
      process.off('SIGTERM', onSignal).off('SIGHUP', onSignal);
      listening[Symbol.dispose]();
    },
  };
}

/** One `up` from its start to its end. */
class UpSession {
  readonly #context: CommandContext;
  readonly #layout: UpLayout;
  readonly #plan: UpPlan;
  #lines: Lines | undefined;

  constructor(context: CommandContext, layout: UpLayout, plan: UpPlan) {
    this.#context = context;
    this.#layout = layout;
    this.#plan = plan;
  }

  async live(leave: Leave): Promise<number> {
    const { clock, environment } = this.#context;
    const options = { layout: this.#layout, plan: this.#plan, clock, environment, notify: this.#notify };
    await using cluster = await startLocalCluster(options, leave.signal);
    void cluster.shutDown.then(() => leave.now());
    this.#welcome(cluster);
    const exitCode = await (this.#plan.shell
      ? this.#prompt(cluster, leave)
      : untilLeft(leave, exitCodes.success));
    leave.now();
    await this.#end(cluster, leave);
    return exitCode;
  }

  readonly #notify = (text: string): void => {
    if (this.#lines) this.#lines.notice(text);
    else this.#context.out.errLine(text);
  };

  #welcome({ address, nodes, joined }: LocalCluster): void {
    const { out } = this.#context;
    if (!this.#plan.shell) out.outLine(`ready https://${address}`);
    const lines = renderWelcome({
      version,
      layout: this.#layout,
      address,
      nodes,
      isNew: joined.length > 0,
      command: join(installationRoot, 'bin', 'drover'),
      nameData: this.#layout.root !== defaultDataDirectory(process.geteuid?.()),
      user: userInfo().username,
    });
    for (const line of lines) out.errLine(line);
  }

  async #prompt(cluster: LocalCluster, leave: Leave): Promise<number> {
    const connect = async () => cluster.connection;
    const context = { ...this.#context, connect, connectedTo: () => cluster.address };
    using lines = openLines(context);
    this.#lines = lines;
    if (lines.interactive) {
      context.out.errLine(
        'Type a command to run it on every node, such as: uptime. h lists ours, exit stops everything.',
      );
    }
    try {
      return await runPrompt(context, lines, { leave: leave.signal, leaveHint });
    } finally {
      this.#lines = undefined;
    }
  }

  /** Stops the tasks of our nodes. A controller that cannot be asked is no reason to leave the daemons running. */
  async #end(cluster: LocalCluster, leave: Leave): Promise<void> {
    try {
      await stopTasks(cluster.connection, {
        nodes: cluster.nodes,
        clock: this.#context.clock,
        keep: this.#plan.keep,
        notify: this.#notify,
        abort: leave.hurry,
      });
    } catch (error) {
      if (leave.hurry.aborted)
        this.#notify('drover: not waiting any longer; tasks that have not ended go on');
      else if (await this.#wasShutDown(cluster)) {
        this.#notify('drover: the controller was shut down; tasks that have not ended go on');
      } else {
        await printFailure(this.#context, error, cluster.address);
        this.#notify('drover: tasks that have not ended go on');
      }
    }
  }

  /** Whether somebody else has shut the controller down, be it just now. */
  async #wasShutDown({ shutDown }: LocalCluster): Promise<boolean> {
    const { clock } = this.#context;
    return await Promise.race([shutDown.then(() => true), delay(clock, shutDownMs).then(() => false)]);
  }
}

function untilLeft<T>({ signal }: Leave, value: T): Promise<T> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve(value);
    signal.addEventListener('abort', () => resolve(value), { once: true });
  });
}
