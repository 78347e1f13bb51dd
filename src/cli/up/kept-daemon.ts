/**
 * A daemon that is started again when it dies on its own, with growing pauses. Says so each time; gives up where its end
 * says that starting again is useless.
 */
import { backoffDelayMs } from '#base/backoff.ts';
import { type Clock, delay } from '#base/clock.ts';
import { type DaemonEnd, DaemonProcess, type DaemonSpec, describeEnd } from './daemon-process.ts';

/** First pauses are short, since most deaths are accidents; a daemon that cannot live costs little at the last. */
const backoff = { baseMs: 500, maxMs: 30_000 };
/** One that has lived so long, milliseconds, was well: its next death counts as the first. */
const wellAfterMs = 60_000;
/** Longest wait for the first ready line, milliseconds. */
export const readyTimeoutMs = 60_000;

/** What keeping a daemon needs. */
export interface KeepOptions {
  readonly clock: Clock;
  /** Tells the person at the terminal. */
  readonly notify: (text: string) => void;
  /** Its end is not to be answered by a new start. */
  readonly isFinal: (end: DaemonEnd) => boolean;
  /** What to start again; another than at the first time, where addresses were found out since. */
  readonly again: () => DaemonSpec;
}

/** The first start failed. The message is one line. */
export class DaemonFailedError extends Error {
  override readonly name = 'DaemonFailedError';
}

/** A daemon, over all of its lives. */
export class KeptDaemon implements AsyncDisposable {
  readonly #options: KeepOptions;
  readonly #stopping = new AbortController();
  readonly #kept: Promise<DaemonEnd>;
  #process: DaemonProcess;

  private constructor(process: DaemonProcess, options: KeepOptions) {
    this.#process = process;
    this.#options = options;
    this.#kept = this.#keep();
  }

  /**
   * Starts a daemon and waits until it is ready.
   *
   * @returns it, and the match of its ready line.
   * @throws DaemonFailedError when it ends before, or is not ready in time. The reason of `abort`. Nothing is then left of it.
   */
  static async start(
    spec: DaemonSpec,
    options: KeepOptions,
    abort: AbortSignal,
  ): Promise<{ daemon: KeptDaemon; ready: RegExpExecArray }> {
    const process = new DaemonProcess(spec);
    let inTime = true;
    const late = new AbortController();
    try {
      const ready = await Promise.race([
        process.ready,
        delay(options.clock, readyTimeoutMs, AbortSignal.any([abort, late.signal])).then(() => {
          inTime = false;
          return undefined;
        }),
      ]);
      if (ready) return { daemon: new KeptDaemon(process, options), ready };
    } catch (error) {
      await process.stop(options.clock);
      throw error;
    } finally {
      late.abort();
    }
    const end = await process.stop(options.clock);
    const what = inTime ? 'did not start' : `was not ready after ${readyTimeoutMs / 1000} s`;
    throw new DaemonFailedError(`${spec.title} ${what}: ${end.lastWords || describeEnd(end)}`);
  }

  /** Resolves with its last end: after `stop`, or by itself where that end was final. */
  get ended(): Promise<DaemonEnd> {
    return this.#kept;
  }

  /** The process id of its present life. */
  get pid(): number | undefined {
    return this.#process.pid;
  }

  /** Ends it for good. Twice is once. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#stopping.abort();
    await this.#process.stop(this.#options.clock);
    await this.#kept;
  }

  async #keep(): Promise<DaemonEnd> {
    const { clock, notify, isFinal, again } = this.#options;
    for (let deaths = 1; ; deaths++) {
      const bornMs = clock.monotonicMs();
      const end = await this.#process.ended;
      if (this.#stopping.signal.aborted || isFinal(end)) return end;
      if (clock.monotonicMs() - bornMs > wellAfterMs) deaths = 1;
      notify(`drover: ${this.#process.spec.title} died (${describeEnd(end)}); starting it again`);
      const pause = delay(clock, backoffDelayMs(deaths, backoff, Math.random()), this.#stopping.signal);
      if (
        await pause.then(
          () => false,
          () => true,
        )
      )
        return end;
      this.#process = new DaemonProcess(again());
      void this.#process.ready.then((ready) => {
        if (ready) notify(`drover: ${this.#process.spec.title} is back`);
      });
    }
  }
}
