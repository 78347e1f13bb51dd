/**
 * `drover top` on a terminal: asks again and again, draws, hears keys, carries out orders. What is shown, and what a key
 * means, is decided elsewhere. A controller that goes away ends nothing: what was known stays, and says how old it is.
 */
import { delay } from '#base/clock.ts';
import { callOptions } from '#cli/call-options.ts';
import type { CommandContext } from '#cli/command.ts';
import type { Connection } from '#cli/connect-cluster.ts';
import { describeFailure } from '#cli/failure.ts';
import { restoreAtEnd } from '#cli/restore-at-end.ts';
import type { TaskQueryInit } from '#cli/task-query.ts';
import type { Terminal } from '#cli/terminal.ts';
import { exitCodes } from '#core/exit-code.ts';
import type { ActOnTasksResponse, SampleTasksResponse } from '#protocol/gen/drover/v1/api_pb.ts';
import type { Task } from '#protocol/gen/drover/v1/task_pb.ts';
import { KeyDecoder } from './decode-keys.ts';
import { pressKey, type TopOrder } from './press-key.ts';
import { readTail } from './read-tail.ts';
import { pageOf, renderTop } from './render-top.ts';
import { Screen } from './screen.ts';
import { type TopState, takeAnswer, takeFailure } from './top-state.ts';

/** The age of what is shown counts on while nothing comes. */
const redrawMs = 1_000;
/** The first answer has no rates: the second follows soon. */
const secondLookMs = 500;
/** A controller asks its nodes for 5 s at the most; one that says nothing for so long is not there. */
const answerTimeoutMs = 10_000;

/** What is to be looked at. */
export interface LiveTopOptions {
  readonly connection: Connection;
  readonly query: TaskQueryInit;
  readonly intervalMs: number;
}

/** Asks what runs now. @throws what the API refuses with, or a lost connection. */
export function sample(
  context: Pick<CommandContext, 'abort'>,
  connection: Connection,
  query: TaskQueryInit,
): Promise<SampleTasksResponse> {
  return connection.tasks.sampleTasks({ query }, callOptions(context, answerTimeoutMs));
}

/** One `drover top` from its first frame to its last. */
export class LiveTop {
  readonly #context: CommandContext;
  readonly #options: LiveTopOptions;
  readonly #left = Promise.withResolvers<number>();
  readonly #over = new AbortController();
  #state: TopState;
  #screen: Screen | undefined;
  #hurry = new AbortController();

  constructor(context: CommandContext, options: LiveTopOptions, first: TopState) {
    this.#context = context;
    this.#options = options;
    this.#state = first;
  }

  /** Shows it until it is left. Resolves to the exit code; the terminal is then as it was before. */
  async show(terminal: Terminal): Promise<number> {
    const { out, abort } = this.#context;
    using held = new DisposableStack();
    using _restoring = restoreAtEnd(() => held.dispose());
    const decoder = new KeyDecoder();
    held.use(terminal.takeKeys((data) => this.#hear(decoder.push(data))));
    this.#screen = held.use(new Screen(out));
    held.use(out.onResize(() => this.#draw()));
    held.use(this.#redrawEachSecond());
    held.defer(() => this.#over.abort());
    const onAbort = () => this.#left.resolve(exitCodes.interrupted);
    abort.addEventListener('abort', onAbort, { once: true });
    held.defer(() => abort.removeEventListener('abort', onAbort));
    if (abort.aborted) onAbort();
    this.#draw();
    void this.#askOnAndOn();
    return await this.#left.promise;
  }

  async #askOnAndOn(): Promise<void> {
    let waitMs = Math.min(secondLookMs, this.#options.intervalMs);
    while (!this.#over.signal.aborted) {
      await this.#wait(waitMs);
      waitMs = this.#options.intervalMs;
      if (!this.#state.paused) await this.#ask();
      if (this.#state.mode.kind === 'log') await this.#readLog(this.#state.mode.task);
    }
  }

  /** Until it is due, a key hurries it, or all is over. */
  async #wait(ms: number): Promise<void> {
    this.#hurry = new AbortController();
    const either = AbortSignal.any([this.#hurry.signal, this.#over.signal]);
    await delay(this.#context.clock, ms, either).catch(() => {});
  }

  async #ask(): Promise<void> {
    const { connection, query } = this.#options;
    try {
      const answer = await sample({ abort: this.#over.signal }, connection, query);
      this.#become(takeAnswer(this.#state, answer, this.#context.clock.monotonicMs()));
    } catch (error) {
      this.#become(takeFailure(this.#state, describeFailure(error, connection.address).message));
    }
  }

  #hear(keys: readonly string[]): void {
    for (const key of keys) {
      const page = pageOf(this.#screen?.size ?? { rows: 1, columns: 1 });
      const { state, order } = pressKey(this.#state, key, page);
      this.#state = state;
      if (order) void this.#carryOut(order);
    }
    this.#draw();
  }

  async #carryOut(order: TopOrder): Promise<void> {
    const { tasks } = this.#options.connection;
    const call = callOptions({ abort: this.#over.signal });
    switch (order.kind) {
      case 'leave':
        this.#left.resolve(order.interrupted ? exitCodes.interrupted : exitCodes.success);
        return;
      case 'refresh':
        this.#hurry.abort();
        return;
      case 'readLog':
        return await this.#readLog(order.task);
      case 'signal': {
        const { task, signal, scope } = order;
        const query = { refs: [task.id] };
        return await this.#act(`sent ${signal} to`, task, tasks.signalTasks({ query, signal, scope }, call));
      }
      case 'stop': {
        const query = { refs: [order.task.id] };
        return await this.#act('stopping', order.task, tasks.stopTasks({ query }, call));
      }
    }
  }

  /** Says what became of an order, and looks again. */
  async #act(done: string, { id, node }: Task, call: Promise<ActOnTasksResponse>): Promise<void> {
    let notice: string;
    try {
      const [result] = (await call).results;
      notice = result?.error ? `${id} on ${node}: ${result.error}` : `${done} ${id} on ${node}`;
    } catch (error) {
      notice = describeFailure(error, this.#options.connection.address).message;
    }
    this.#become({ ...this.#state, notice });
    this.#hurry.abort();
  }

  async #readLog(task: Task): Promise<void> {
    const { connection } = this.#options;
    let lines: string[];
    try {
      const { rows } = this.#screen?.size ?? { rows: 1 };
      const options = callOptions({ abort: this.#over.signal }, answerTimeoutMs);
      lines = await readTail(connection, task.id, rows, options);
    } catch (error) {
      lines = [describeFailure(error, connection.address).message];
    }
    const { mode } = this.#state;
    if (mode.kind !== 'log' || mode.task.id !== task.id) return;
    this.#become({ ...this.#state, mode: { ...mode, lines } });
  }

  #become(state: TopState): void {
    this.#state = state;
    this.#draw();
  }

  #draw(): void {
    const screen = this.#screen;
    screen?.draw(renderTop(this.#state, screen.size, this.#context.clock.monotonicMs()));
  }

  #redrawEachSecond(): Disposable {
    let timer: Disposable;
    const again = () => {
      this.#draw();
      timer = this.#context.clock.schedule(redrawMs, again);
    };
    timer = this.#context.clock.schedule(redrawMs, again);
    return { [Symbol.dispose]: () => timer[Symbol.dispose]() };
  }
}
