/**
 * One connection to a supervisor: requests with their answers, and notices. It does not come back when it breaks.
 * Answers and notices are given on in the order in which they came.
 */
import type { Socket } from 'node:net';
import type { Clock } from '#base/clock.ts';
import { connectIn } from './connect-in.ts';
import { encodeMessage, SupervisorDecoder, type SupervisorMessage } from './supervisor-codec.ts';
import { SupervisorGoneError, SupervisorRefusedError } from './supervisor-errors.ts';
import {
  type AttemptStatus,
  type SupervisorBody,
  type SupervisorMessageName,
  supervisorProtocolVersion,
} from './supervisor-messages.ts';

/** Answers come within microseconds; a server that is silent for so long hangs. */
const answerTimeoutMs = 10_000;

const socketName = 'supervisor.sock';

/** What a supervisor says unasked. */
export type SupervisorNotice = Extract<
  SupervisorMessage,
  { name: 'started' | 'notStarted' | 'exited' | 'empty' | 'lost' }
>;

type AnswerName = 'helloOk' | 'ok' | 'signaled' | 'sampled' | 'listEnd' | 'usageOk';

interface Pending {
  readonly resolve: (answer: SupervisorMessage) => void;
  readonly reject: (error: Error) => void;
  readonly timer: Disposable;
  readonly statuses: AttemptStatus[];
}

/** A connection, and what the supervisor said of itself. */
export interface OpenedSupervisor {
  readonly connection: SupervisorConnection;
  readonly server: SupervisorBody<'helloOk'>;
}

/** A connection that has said hello. */
export class SupervisorConnection implements Disposable {
  readonly #socket: Socket;
  readonly #clock: Clock;
  readonly #onNotice: (notice: SupervisorNotice) => void;
  readonly #decoder = new SupervisorDecoder();
  readonly #pending = new Map<number, Pending>();
  readonly #closed = Promise.withResolvers<Error>();
  #tag = 0;
  #cause: Error | undefined;

  private constructor(socket: Socket, clock: Clock, onNotice: (notice: SupervisorNotice) => void) {
    this.#socket = socket;
    this.#clock = clock;
    this.#onNotice = onNotice;
    socket.on('data', (bytes) => this.#receive(bytes));
    socket.on('error', (error) => this.#end(error));
    socket.on('close', () => this.#end(new Error('the supervisor closed the connection')));
  }

  /**
   * Connects to the supervisor whose state directory is `directory`.
   *
   * @throws the system's error; SupervisorRefusedError for another version of the protocol; SupervisorGoneError.
   */
  static async open(
    directory: string,
    clock: Clock,
    onNotice: (notice: SupervisorNotice) => void,
  ): Promise<OpenedSupervisor> {
    const connection = new SupervisorConnection(await connectIn(directory, socketName), clock, onNotice);
    try {
      const server = await connection.request('hello', { version: supervisorProtocolVersion }, 'helloOk');
      return { connection, server };
    } catch (error) {
      connection[Symbol.dispose]();
      throw error;
    }
  }

  /**
   * Has the supervisor in `directory` become another binary, in place; it listens again when this resolves. Says no hello, so
   * that it can be asked by who speaks another version.
   *
   * @throws as `request`, SupervisorRefusedError where the binary cannot be executed: then the supervisor is as it was.
   */
  static async upgrade(directory: string, clock: Clock, binary: string): Promise<void> {
    using connection = new SupervisorConnection(await connectIn(directory, socketName), clock, () => {});
    await connection.request('upgrade', { path: binary }, 'ok');
  }

  /** Resolves with the reason when the connection is no more. */
  get closed(): Promise<Error> {
    return this.#closed.promise;
  }

  /** @throws SupervisorRefusedError, SupervisorGoneError, WireError for what cannot be said. */
  async request<N extends SupervisorMessageName, A extends AnswerName>(
    name: N,
    body: SupervisorBody<N>,
    expected: A,
  ): Promise<SupervisorBody<A>> {
    const { answer } = await this.#ask(name, body);
    if (answer.name === expected) return answer.body as SupervisorBody<A>;
    if (answer.name === 'error') {
      throw new SupervisorRefusedError(answer.body.code, answer.body.errno, answer.body.message);
    }
    throw this.#end(new Error(`the supervisor answered ${name} with ${answer.name}`));
  }

  /** Every attempt that it has. @throws as `request`. */
  async list(): Promise<readonly AttemptStatus[]> {
    const { answer, statuses } = await this.#ask('list', {});
    if (answer.name === 'listEnd' && answer.body.count === statuses.length) return statuses;
    throw this.#end(new Error('the supervisor answered list with something else'));
  }

  /** Ends the connection; what was asked and not answered fails. Twice is once. */
  [Symbol.dispose](): void {
    this.#end(new Error('the connection was closed by us'));
  }

  #ask<N extends SupervisorMessageName>(
    name: N,
    body: SupervisorBody<N>,
  ): Promise<{ answer: SupervisorMessage; statuses: readonly AttemptStatus[] }> {
    if (this.#cause) throw gone(this.#cause);
    const tag = this.#nextTag();
    const frame = encodeMessage(name, tag, body);
    const { promise, resolve, reject } = Promise.withResolvers<SupervisorMessage>();
    const timer = this.#clock.schedule(answerTimeoutMs, () => {
      this.#end(new Error(`the supervisor did not answer ${name} within ${answerTimeoutMs / 1000} s`));
    });
    const statuses: AttemptStatus[] = [];
    this.#pending.set(tag, { resolve, reject, timer, statuses });
    this.#write(frame);
    return promise.then((answer) => ({ answer, statuses }));
  }

  /** What a turn of the loop has to say goes out at once: many starts and acknowledgements come together, by one fdatasync. */
  #write(frame: Buffer): void {
    if (this.#socket.writableCorked === 0) {
      this.#socket.cork();
      process.nextTick(() => this.#socket.uncork());
    }
    this.#socket.write(frame);
  }

  #nextTag(): number {
    do this.#tag = (this.#tag + 1) >>> 0 || 1;
    while (this.#pending.has(this.#tag));
    return this.#tag;
  }

  #receive(bytes: Buffer): void {
    try {
      for (const message of this.#decoder.push(bytes)) this.#take(message);
    } catch (error) {
      this.#end(error instanceof Error ? error : new Error(String(error)));
    }
  }

  #take(message: SupervisorMessage): void {
    if (isNotice(message)) {
      this.#onNotice(message);
      return;
    }
    const pending = this.#pending.get(message.tag);
    if (!pending) throw new Error(`the supervisor sent ${message.name} to nothing that was asked`);
    if (message.name === 'status') {
      pending.statuses.push(message.body);
      return;
    }
    this.#pending.delete(message.tag);
    pending.timer[Symbol.dispose]();
    pending.resolve(message);
  }

  #end(cause: Error): Error {
    if (this.#cause) return gone(this.#cause);
    this.#cause = cause;
    this.#socket.destroy();
    for (const { reject, timer } of this.#pending.values()) {
      timer[Symbol.dispose]();
      reject(gone(cause));
    }
    this.#pending.clear();
    this.#closed.resolve(cause);
    return gone(cause);
  }
}

function gone(cause: Error): SupervisorGoneError {
  return new SupervisorGoneError('the supervisor cannot be asked', { cause });
}

function isNotice(message: SupervisorMessage): message is SupervisorNotice {
  return message.tag === 0 && ['started', 'notStarted', 'exited', 'empty', 'lost'].includes(message.name);
}
