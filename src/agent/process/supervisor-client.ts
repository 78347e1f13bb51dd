/**
 * The supervisor as the task host sees it: always there, but for moments. Starts it where it does not answer, and comes
 * back when the connection breaks.
 *
 * A supervisor of another version than this installation is asked, once, to become the installed binary.
 *
 * GUARANTEE. No notice is missed: after each connect the listener is given everything that the supervisor has, and only then
 * the notices that came since. It may hear a thing twice.
 */
import { mkdir } from 'node:fs/promises';
import { setTimeout } from 'node:timers/promises';
import { backoffDelayMs } from '#base/backoff.ts';
import { type Clock, delay } from '#base/clock.ts';
import { version } from '#base/installation.ts';
import type { Logger } from '#base/log.ts';
import { AttachClient } from './attach-client.ts';
import { startSupervisor } from './start-supervisor.ts';
import {
  type OpenedSupervisor,
  SupervisorConnection,
  type SupervisorNotice,
} from './supervisor-connection.ts';
import { SupervisorGoneError, SupervisorRefusedError } from './supervisor-errors.ts';
import { type AttemptStatus, type SupervisorBody, supervisorErrors } from './supervisor-messages.ts';

/** First try again soon, since a supervisor starts within milliseconds; then leave a broken machine in peace. */
const backoff = { baseMs: 50, maxMs: 5_000 };

/** How often the first connection is tried: one that just ends may still hold the directory. */
const firstTries = 6;

/** How long a request waits for the connection to come back. */
const patienceMs = 5_000;

/** A connection that held for so long was a good one. */
const goodAfterMs = 1_000;

/** Who listens. Calls do not overlap and must not throw. */
export interface SupervisorListener {
  /** Everything that the supervisor has, after each connect. */
  synchronize(statuses: readonly AttemptStatus[], server: SupervisorBody<'helloOk'>): void;
  notice(notice: SupervisorNotice): void;
}

/** What a client needs. */
export interface SupervisorClientOptions {
  /** The supervisor's state directory; made if need be. */
  readonly directory: string;
  readonly binary: string;
  readonly clock: Clock;
  readonly log: Logger;
  readonly random: () => number;
}

/** A lasting connection to one supervisor. Disposing of it leaves the supervisor running. */
export class SupervisorClient implements AsyncDisposable {
  readonly #options: SupervisorClientOptions;
  readonly #stop = new AbortController();
  /** Once only: what became another version than we expect would become it again. */
  #mayUpgrade = true;
  #ready = Promise.withResolvers<SupervisorConnection>();
  #connected: SupervisorConnection | undefined;
  #life: Promise<void> = Promise.resolve();

  /** Requests wait until `connect` was called. */
  constructor(options: SupervisorClientOptions) {
    this.#options = options;
    this.#ready.promise.catch(() => {});
  }

  /** The attempt's monitor, which holds its input and its terminal. @throws as AttachClient.open. */
  async attach(id: string): Promise<AttachClient> {
    return await AttachClient.open(this.#options.directory, id);
  }

  /**
   * Connects for the first time, once; `listener` has heard all when it resolves.
   *
   * @throws SupervisorStartError, or why the supervisor that is there cannot be used.
   */
  async connect(listener: SupervisorListener): Promise<void> {
    await mkdir(this.#options.directory, { recursive: true, mode: 0o700 });
    this.#life = this.#keep(await this.#connectFirst(listener), listener);
  }

  /** @throws SupervisorRefusedError, SupervisorGoneError, WireError for an order that is too large. */
  async start(order: SupervisorBody<'start'>): Promise<void> {
    await (await this.#connection()).request('start', order, 'ok');
  }

  /** @throws as `start`. */
  async signal(id: string, signal: number, scope: number): Promise<SupervisorBody<'signaled'>> {
    return (await this.#connection()).request('signal', { id, signal, scope }, 'signaled');
  }

  /** The attempt is over and recorded here. @throws as `start`. */
  async acknowledge(id: string): Promise<void> {
    await (await this.#connection()).request('ack', { id }, 'ok');
  }

  /**
   * The leader has exited and the rest may stay: the supervisor forgets the attempt by itself when nothing is left of it, over
   * its restarts too. Twice is once. @throws as `start`; refused with `busy` while the leader runs.
   */
  async release(id: string): Promise<void> {
    await (await this.#connection()).request('release', { id }, 'ok');
  }

  /** What runs of a living attempt now, and what it has used. @throws as `start`; refused with `over` once it ended. */
  async sample(id: string): Promise<SupervisorBody<'sampled'>> {
    return (await this.#connection()).request('sample', { id }, 'sampled');
  }

  /**
   * Gives the bytes before `end` of its stdout (1) or stderr (2) back to the disk; the file's size stays, and they read as
   * zeros. Until it is acknowledged. @throws as `start`; refused with `system` where the file system cannot (EOPNOTSUPP).
   */
  async punch(id: string, stream: 1 | 2, end: bigint): Promise<void> {
    await (await this.#connection()).request('punch', { id, stream, end }, 'ok');
  }

  /** @throws as `start`. */
  async usage(): Promise<SupervisorBody<'usageOk'>> {
    return (await this.#connection()).request('usage', {}, 'usageOk');
  }

  /** @throws as `start`. */
  async list(): Promise<readonly AttemptStatus[]> {
    return (await this.#connection()).list();
  }

  /** Ends the supervisor. @returns false where attempts are not over. @throws SupervisorGoneError */
  async shutdown(): Promise<boolean> {
    const connection = await this.#connection();
    try {
      await connection.request('shutdown', {}, 'ok');
      this.#stop.abort();
      return true;
    } catch (error) {
      if (error instanceof SupervisorRefusedError && error.code === supervisorErrors.busy) return false;
      throw error;
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stop.abort();
    this.#ready.reject(new SupervisorGoneError('the agent is stopping'));
    await this.#life;
  }

  /** The connection, once there is one. */
  async #connection(): Promise<SupervisorConnection> {
    if (this.#connected) return this.#connected;
    const { clock } = this.#options;
    const late = Promise.withResolvers<never>();
    using _ = clock.schedule(patienceMs, () => {
      late.reject(new SupervisorGoneError('the supervisor cannot be reached'));
    });
    return await Promise.race([this.#ready.promise, late.promise]);
  }

  async #connectFirst(listener: SupervisorListener): Promise<SupervisorConnection> {
    for (let failures = 1; ; failures++) {
      try {
        return await this.#connect(listener);
      } catch (error) {
        if (failures >= firstTries || error instanceof SupervisorRefusedError) throw error;
        // Not by the clock, whose timers do not keep a program alive that has nothing else yet.
        await setTimeout(backoffDelayMs(failures, backoff, this.#options.random()));
      }
    }
  }

  /** Lives with one connection after the other until the client is disposed of. */
  async #keep(first: SupervisorConnection, listener: SupervisorListener): Promise<void> {
    const { clock, log, random } = this.#options;
    let connection: SupervisorConnection | undefined = first;
    for (let failures = 0; !this.#stop.signal.aborted; ) {
      const sinceMs = clock.monotonicMs();
      if (connection) {
        const reason = await this.#untilClosed(connection);
        if (this.#stop.signal.aborted) return;
        log.warn({ reason: reason.message }, 'the connection to the supervisor broke');
        this.#connected = undefined;
        this.#ready = Promise.withResolvers();
        this.#ready.promise.catch(() => {});
      }
      failures = connection && clock.monotonicMs() - sinceMs > goodAfterMs ? 0 : failures + 1;
      await delay(clock, backoffDelayMs(failures, backoff, random()), this.#stop.signal).catch(() => {});
      if (this.#stop.signal.aborted) return;
      connection = await this.#connect(listener).catch((error: Error) => {
        log.error({ reason: error.message }, 'the supervisor cannot be reached');
        return undefined;
      });
    }
    connection?.[Symbol.dispose]();
  }

  async #untilClosed(connection: SupervisorConnection): Promise<Error> {
    const close = () => connection[Symbol.dispose]();
    this.#stop.signal.addEventListener('abort', close, { once: true });
    if (this.#stop.signal.aborted) close();
    try {
      return await connection.closed;
    } finally {
      this.#stop.signal.removeEventListener('abort', close);
    }
  }

  /** Connects, starting a supervisor if need be, and has the listener hear all of it. */
  async #connect(listener: SupervisorListener): Promise<SupervisorConnection> {
    const { directory, binary, log } = this.#options;
    try {
      return await this.#connectOnce(listener);
    } catch (error) {
      if (error instanceof SupervisorRefusedError) throw error;
      log.debug({ reason: (error as Error).message }, 'the supervisor does not answer');
      log.info('starting the supervisor');
      await startSupervisor(binary, directory);
      return await this.#connectOnce(listener);
    }
  }

  async #connectOnce(listener: SupervisorListener): Promise<SupervisorConnection> {
    let held: SupervisorNotice[] | undefined = [];
    const onNotice = (notice: SupervisorNotice) => {
      if (held) held.push(notice);
      else listener.notice(notice);
    };
    const opened = await this.#open(onNotice);
    if (!opened) return await this.#connectOnce(listener);
    const { connection, server } = opened;
    try {
      listener.synchronize(await connection.list(), server);
    } catch (error) {
      connection[Symbol.dispose]();
      throw error;
    }
    const waiting = held;
    held = undefined;
    for (const notice of waiting) listener.notice(notice);
    this.#connected = connection;
    this.#ready.resolve(connection);
    return connection;
  }

  /** @returns undefined when the supervisor was asked to become our version: it has to be connected to again. */
  async #open(onNotice: (notice: SupervisorNotice) => void): Promise<OpenedSupervisor | undefined> {
    const { directory, clock } = this.#options;
    let found: string;
    try {
      const opened = await SupervisorConnection.open(directory, clock, onNotice);
      found = opened.server.binaryVersion;
      if (found === version || !this.#mayUpgrade) return opened;
      opened.connection[Symbol.dispose]();
    } catch (error) {
      const spoken = !(error instanceof SupervisorRefusedError) || error.code !== supervisorErrors.version;
      if (spoken || !this.#mayUpgrade) throw error;
      found = error.message;
    }
    this.#mayUpgrade = false;
    await this.#upgrade(found);
    return undefined;
  }

  /** Has the supervisor become the installed binary, in place. One that does not goes on as it is. */
  async #upgrade(found: string): Promise<void> {
    const { directory, clock, binary, log } = this.#options;
    try {
      await SupervisorConnection.upgrade(directory, clock, binary);
      log.info({ found, version }, 'the supervisor was upgraded');
    } catch (error) {
      log.warn({ found, version, reason: (error as Error).message }, 'the supervisor was not upgraded');
    }
  }
}
