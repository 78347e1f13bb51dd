/** A program of Drover that goes on until it is told to stop, as a child of a measurement. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import type { Cgroup } from '#bench/measure/cgroup.ts';

/** A running program. Disposing of it stops it and waits for its end. */
export class Daemon implements AsyncDisposable {
  readonly #child: ChildProcess;

  private constructor(child: ChildProcess) {
    this.#child = child;
  }

  /** Starts `drover` with these arguments, in that cgroup or in ours, and waits for the line that says that it is ready. */
  static async start(
    drover: string,
    args: readonly string[],
    env: NodeJS.ProcessEnv = {},
    cgroup?: Cgroup,
  ): Promise<Daemon> {
    const [file, ...rest] = cgroup?.enter(drover, ...args) ?? [drover, ...args];
    // Standard input stays open: those that were told to end with it then do not outlive a measurement that failed.
    const child = spawn(file, rest, { stdio: ['pipe', 'pipe', 'ignore'], env: { ...process.env, ...env } });
    for await (const line of createInterface({ input: child.stdout })) {
      if (line.startsWith('ready ')) return new Daemon(child);
    }
    throw new Error(`drover ${args[0]} has ended before it was ready`);
  }

  /** Its process id. */
  get pid(): number {
    return this.#child.pid ?? 0;
  }

  /** Sends the signal and waits for the end. Also where it has ended already. */
  async end(signal: NodeJS.Signals): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    const gone = once(this.#child, 'exit');
    this.#child.kill(signal);
    await gone;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.end('SIGTERM');
  }
}
