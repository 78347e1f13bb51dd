/**
 * Ctrl-C on a run that is followed. The first asks whether to stop, detach or kill (without a terminal, or without an
 * answer, it stops); the second kills; the third leaves. A reader of our output that goes away stops it too: nobody would
 * ever see the rest.
 *
 *   following ──1st──► asking ──s, 5 s──► stopping ──2nd──► killing ──3rd──► left
 *                        │ d ─► left         (2nd while asking: kill)
 *                        └ k ─► killing
 */

import { callOptions } from '#cli/call-options.ts';
import type { CommandContext } from '#cli/command.ts';
import type { Connection } from '#cli/connect-cluster.ts';
import { printFailure } from '#cli/print-failure.ts';
import { SignalScope, TaskState } from '#protocol/gen/drover/v1/task_pb.ts';

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
  readonly #quiet = new AbortController();
  readonly #listening = new DisposableStack();
  #state: Interrupted | 'asking';
  #answered: Promise<void> | undefined;

  constructor(context: CommandContext, connection: Connection, runId: string) {
    this.#context = context;
    this.#connection = connection;
    this.#runId = runId;
    this.#listening.use(context.interrupts.listen(() => this.#press()));
    this.#listening.use(context.readerGone.listen(() => this.#loseReader()));
  }

  /** Aborts when the run shall not be followed any longer. */
  get left(): AbortSignal {
    return this.#left.signal;
  }

  /** What became of the run so far. */
  get state(): Interrupted {
    return this.#state === 'asking' ? undefined : this.#state;
  }

  /** Aborts when nothing more of the output is to be printed: it would be an old backlog, or there is no reader. */
  get quiet(): AbortSignal {
    return this.#quiet.signal;
  }

  /** Resolves when no question stands on the terminal, which anything printed would tear apart. */
  async answered(): Promise<void> {
    await this.#answered;
  }

  [Symbol.dispose](): void {
    this.#listening.dispose();
  }

  #press(): void {
    switch (this.#state) {
      case undefined:
        this.#answered = this.#ask();
        return;
      case 'asking':
      case 'stopping':
        void this.#kill();
        return;
      default:
        this.#left.abort();
    }
  }

  #loseReader(): void {
    this.#quiet.abort();
    if (this.#state !== undefined) return;
    this.#context.out.errLine('drover: the reader of the output went away');
    void this.#stop();
  }

  /** Resolves when there is an answer; what it leads to goes on by itself. */
  async #ask(): Promise<void> {
    const { terminal } = this.#context;
    if (!terminal) {
      void this.#stop();
      return;
    }
    this.#state = 'asking';
    const question = 'drover: [s]top, [d]etach or [k]ill? (stops in 5 s) ';
    const answer = await terminal.askKey(question, 'sdk', askMs);
    if (this.#state !== 'asking') return;
    if (answer === 'd') {
      this.#state = 'detached';
      this.#left.abort();
    } else if (answer === 'k' || answer === 'interrupt') void this.#kill();
    else void this.#stop();
  }

  async #stop(): Promise<void> {
    this.#state = 'stopping';
    this.#context.out.errLine('drover: stopping; Ctrl-C again kills');
    const query = { runId: this.#runId };
    await this.#order(() => this.#connection.tasks.stopTasks({ query }, callOptions(this.#context)));
  }

  async #kill(): Promise<void> {
    this.#state = 'killing';
    this.#quiet.abort();
    this.#context.out.errLine(
      `drover: killing, the rest of the output is in drover logs ${this.#runId}; Ctrl-C again leaves`,
    );
    const runId = this.#runId;
    // What ends now is not to make room for those whose turn has not come.
    const pending = { runId, states: [TaskState.PENDING] };
    const order = { query: { runId }, signal: 'SIGKILL', scope: SignalScope.TREE };
    await Promise.all([
      this.#order(() => this.#connection.tasks.stopTasks({ query: pending }, callOptions(this.#context))),
      this.#order(() => this.#connection.tasks.signalTasks(order, callOptions(this.#context))),
    ]);
  }

  async #order(call: () => Promise<unknown>): Promise<void> {
    try {
      await call();
    } catch (error) {
      await printFailure(this.#context, error, this.#connection.address);
    }
  }
}
