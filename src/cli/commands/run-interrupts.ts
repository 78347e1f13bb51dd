/**
 * Ctrl-C on a run that is followed. The first asks whether to stop, detach or kill (without a terminal, or without an
 * answer, it stops); the second kills; the third leaves.
 *
 *   following ──1st──► asking ──s, 5 s──► stopping ──2nd──► killing ──3rd──► left
 *                        │ d ─► left         (2nd while asking: kill)
 *                        └ k ─► killing
 */

import { callOptions } from '#cli/call-options.ts';
import type { CommandContext } from '#cli/command.ts';
import type { Connection } from '#cli/connect-cluster.ts';
import { printFailure } from '#cli/print-failure.ts';
import { SignalScope } from '#protocol/gen/drover/v1/task_pb.ts';

/** How long the question stands, milliseconds; then the tasks are stopped. */
const askMs = 5_000;

/** What became of a run by Ctrl-C: undefined where it was never pressed. */
export type Interrupted = 'stopping' | 'killing' | 'detached' | undefined;

/** Listens until it is disposed of. */
export class RunInterrupts implements Disposable {
  readonly #context: CommandContext;
  readonly #connection: Connection;
  readonly #runId: string;
  readonly #left = new AbortController();
  readonly #listening: Disposable;
  #state: Interrupted | 'asking';

  constructor(context: CommandContext, connection: Connection, runId: string) {
    this.#context = context;
    this.#connection = connection;
    this.#runId = runId;
    this.#listening = context.interrupts.listen(() => this.#press());
  }

  /** Aborts when the run shall not be followed any longer. */
  get left(): AbortSignal {
    return this.#left.signal;
  }

  /** What became of the run so far. */
  get state(): Interrupted {
    return this.#state === 'asking' ? undefined : this.#state;
  }

  [Symbol.dispose](): void {
    this.#listening[Symbol.dispose]();
  }

  #press(): void {
    switch (this.#state) {
      case undefined:
        void this.#ask();
        return;
      case 'asking':
      case 'stopping':
        void this.#kill();
        return;
      default:
        this.#left.abort();
    }
  }

  async #ask(): Promise<void> {
    const { terminal } = this.#context;
    if (!terminal) return this.#stop();
    this.#state = 'asking';
    const question = 'drover: [s]top, [d]etach or [k]ill? (stops in 5 s) ';
    const answer = await terminal.askKey(question, 'sdk', askMs);
    if (this.#state !== 'asking') return;
    if (answer === 'd') {
      this.#state = 'detached';
      this.#left.abort();
    } else if (answer === 'k' || answer === 'interrupt') await this.#kill();
    else await this.#stop();
  }

  async #stop(): Promise<void> {
    this.#state = 'stopping';
    this.#context.out.errLine('drover: stopping; Ctrl-C again kills');
    const query = { runId: this.#runId };
    await this.#order(() => this.#connection.tasks.stopTasks({ query }, callOptions(this.#context)));
  }

  async #kill(): Promise<void> {
    this.#state = 'killing';
    this.#context.out.errLine('drover: killing; Ctrl-C again leaves');
    const order = { query: { runId: this.#runId }, signal: 'SIGKILL', scope: SignalScope.TREE };
    await this.#order(() => this.#connection.tasks.signalTasks(order, callOptions(this.#context)));
  }

  async #order(call: () => Promise<unknown>): Promise<void> {
    try {
      await call();
    } catch (error) {
      await printFailure(this.#context, error, this.#connection.address);
    }
  }
}
