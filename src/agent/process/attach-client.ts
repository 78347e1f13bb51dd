/**
 * One connection to the monitor of an attempt, which holds the attempt's input and its terminal: the part ATTACH of the
 * supervisor's protocol. It does not come back when it breaks, and keeps nothing that was not taken.
 */
import type { Socket } from 'node:net';
import { join } from 'node:path';
import { connectIn } from './connect-in.ts';
import { encodeMessage, SupervisorDecoder } from './supervisor-codec.ts';
import { SupervisorGoneError } from './supervisor-errors.ts';
import type { SupervisorBody } from './supervisor-messages.ts';

type AttachName = 'attachData' | 'attachEnd' | 'attachResize' | 'attachRead' | 'attachHangup';

/** How far input has come. */
export interface Taken {
  readonly offset: bigint;
  /** No more is taken. */
  readonly over: boolean;
}

/** A live connection. Dispose of it to close it; twice is once. */
export class AttachClient implements Disposable {
  readonly #socket: Socket;
  readonly #decoder = new SupervisorDecoder();
  #taken: Taken | undefined;
  #news = Promise.withResolvers<void>();
  /** While the socket is full. */
  #room: PromiseWithResolvers<void> | undefined;
  #closed: Error | undefined;

  private constructor(socket: Socket) {
    this.#socket = socket;
    socket.on('data', (bytes) => this.#receive(bytes));
    socket.on('drain', () => this.#makeRoom());
    socket.on('error', (error) => this.#end(error));
    socket.on('close', () => this.#end(new Error('the monitor closed the connection')));
  }

  /**
   * Connects to the monitor of the attempt `id` of the supervisor whose state directory is `directory`.
   *
   * @throws SupervisorGoneError where nobody listens: the monitor has ended or was killed, or the attempt has no input.
   */
  static async open(directory: string, id: string): Promise<AttachClient> {
    try {
      return new AttachClient(await connectIn(join(directory, 'attempts', id), 'attach'));
    } catch (error) {
      throw new SupervisorGoneError(`nobody has the input of attempt ${id}`, { cause: error });
    }
  }

  /**
   * How far input was taken: what the monitor says first, then the latest whenever there is news. Ends when no more is
   * taken, when the connection is closed, and soon after `abort` aborted. For one reader.
   */
  async *takens(abort: AbortSignal): AsyncGenerator<Taken, void, undefined> {
    let told: Taken | undefined;
    const wake = () => this.#wake();
    abort.addEventListener('abort', wake);
    try {
      while (!abort.aborted && !told?.over) {
        const news = this.#news.promise;
        if (this.#taken !== told) {
          told = this.#taken;
          if (told) yield told;
        } else if (this.#closed) return;
        else await news;
      }
    } finally {
      abort.removeEventListener('abort', wake);
    }
  }

  /** Why it is closed; undefined while it is not. */
  get closed(): Error | undefined {
    return this.#closed;
  }

  /** Resolves when there is room for more. @throws SupervisorGoneError when the connection is closed before; WireError. */
  async send<N extends AttachName>(name: N, body: SupervisorBody<N>): Promise<void> {
    if (this.#closed) throw gone(this.#closed);
    if (this.#socket.write(encodeMessage(name, 0, body))) return;
    this.#room ??= Promise.withResolvers();
    await this.#room.promise;
    if (this.#closed) throw gone(this.#closed);
  }

  /** What was sent is given to the system first, which gives it to the monitor. */
  [Symbol.dispose](): void {
    if (!this.#closed) this.#socket.destroySoon();
    this.#end(new Error('the connection was closed by us'));
  }

  #receive(bytes: Buffer): void {
    try {
      for (const message of this.#decoder.push(bytes)) {
        if (message.name !== 'attachTaken') throw new Error(`the monitor sent ${message.name}`);
        this.#taken = { offset: message.body.offset, over: message.body.over === 1 };
      }
      this.#wake();
    } catch (error) {
      this.#end(error instanceof Error ? error : new Error(String(error)));
    }
  }

  #end(cause: Error): void {
    if (this.#closed) return;
    this.#closed = cause;
    if (!this.#socket.writableEnded) this.#socket.destroy();
    this.#makeRoom();
    this.#wake();
  }

  #wake(): void {
    this.#news.resolve();
    this.#news = Promise.withResolvers();
  }

  #makeRoom(): void {
    this.#room?.resolve();
    this.#room = undefined;
  }
}

function gone(cause: Error): SupervisorGoneError {
  return new SupervisorGoneError('the monitor cannot be reached', { cause });
}
