/**
 * Merges the output of several tasks in the order in which it was written: of each task one chunk is held, and the earliest
 * goes first.
 *
 *   waiting ──chunk──► held ──sent──► waiting        no chunk is sent while a task is waiting
 *      │
 *      ├── caught up ──► (all others too) ──► sent as it comes
 *      ├── nothing for waitMs ──► late: sent as it comes, and says so
 *      └── over
 */
import { timestampMs } from '@bufbuild/protobuf/wkt';
import type { Clock } from '#base/clock.ts';
import type { LogChunk } from '#protocol/gen/drover/v1/task_pb.ts';

/** What a merge needs. */
export interface LogMergeOptions {
  readonly clock: Clock;
  /** How long one that gives nothing holds up the others, milliseconds. */
  readonly waitMs: number;
  /** Takes a chunk; its promise holds up the merge. */
  readonly put: (chunk: LogChunk) => Promise<void>;
}

type InputState = 'waiting' | 'held' | 'caughtUp' | 'late' | 'over';

interface Input {
  readonly chunks: AsyncIterator<LogChunk>;
  state: InputState;
  /** The chunk that is held, or says that it has caught up. */
  head: LogChunk | undefined;
  /** By when what came last was written. */
  timeMs: number;
  /** Resolves when `state` has changed. */
  pulling: Promise<void>;
}

/**
 * Sends the chunks of all `streams`, each of which is in order. One that hangs is to be aborted by the caller.
 *
 * @throws what one of them, or `put`, throws.
 */
export async function mergeLogs(
  streams: readonly AsyncIterable<LogChunk>[],
  options: LogMergeOptions,
): Promise<void> {
  const merge = new LogMerge(streams, options);
  try {
    await merge.run();
  } finally {
    merge.close();
  }
}

class LogMerge {
  readonly #options: LogMergeOptions;
  readonly #inputs: readonly Input[];
  #failure: { readonly error: unknown } | undefined;
  #news = Promise.withResolvers<void>();
  readonly #coming: Promise<void>[] = [];

  constructor(streams: readonly AsyncIterable<LogChunk>[], options: LogMergeOptions) {
    this.#options = options;
    this.#inputs = streams.map(
      (stream): Input => ({
        chunks: stream[Symbol.asyncIterator](),
        state: 'waiting',
        head: undefined,
        timeMs: 0,
        pulling: Promise.resolve(),
      }),
    );
  }

  async run(): Promise<void> {
    for (const input of this.#inputs) this.#pull(input);
    for (;;) {
      await this.#untilNoneWaits();
      const next = earliest(this.#inputs);
      if (!next?.head) break;
      const chunk = next.head;
      this.#pull(next);
      await this.#options.put(chunk);
    }
    for (const input of this.#inputs) {
      if (input.state === 'caughtUp') this.#coming.push(this.#sendAsItComes(input));
    }
    await Promise.all(this.#coming);
    if (this.#failure) throw this.#failure.error;
  }

  /** Lets go of the streams, as soon as each is not being pulled. */
  close(): void {
    for (const { chunks } of this.#inputs) void chunks.return?.().catch(() => {});
  }

  #pull(input: Input): void {
    input.state = 'waiting';
    input.head = undefined;
    input.pulling = this.#take(input);
  }

  async #take(input: Input): Promise<void> {
    try {
      const { done, value } = await input.chunks.next();
      if (done) {
        if (input.state === 'waiting') input.state = 'over';
        return;
      }
      input.head = value;
      if (value.writtenAt) input.timeMs = timestampMs(value.writtenAt);
      if (input.state === 'waiting') input.state = value.caughtUp ? 'caughtUp' : 'held';
    } catch (error) {
      this.#failure ??= { error };
    } finally {
      this.#news.resolve();
    }
  }

  /** Waits for those of which nothing is held, but not for ever. */
  async #untilNoneWaits(): Promise<void> {
    const isWaiting = () => this.#inputs.some(({ state }) => state === 'waiting');
    if (!isWaiting()) return;
    const late = Promise.withResolvers<void>();
    let isLate = false;
    using _timer = this.#options.clock.schedule(this.#options.waitMs, () => {
      isLate = true;
      late.resolve();
    });
    while (isWaiting() && !isLate && !this.#failure) {
      await Promise.race([this.#news.promise, late.promise]);
      this.#news = Promise.withResolvers();
    }
    if (this.#failure) throw this.#failure.error;
    for (const input of this.#inputs) {
      if (input.state !== 'waiting') continue;
      input.state = 'late';
      this.#coming.push(this.#sendAsItComes(input));
    }
  }

  async #sendAsItComes(input: Input): Promise<void> {
    const late = input.state === 'late';
    try {
      // What is being pulled comes first.
      await input.pulling;
      if (input.head) await this.#send(input.head, late);
      while (!this.#failure) {
        const { done, value } = await input.chunks.next();
        if (done) return;
        await this.#send(value, late);
      }
    } catch (error) {
      this.#failure ??= { error };
    }
  }

  async #send(chunk: LogChunk, late: boolean): Promise<void> {
    await this.#options.put(late && !chunk.caughtUp ? { ...chunk, late } : chunk);
  }
}

/** Of the held chunks the one that was written first; of several the first task's. */
function earliest(inputs: readonly Input[]): Input | undefined {
  let found: Input | undefined;
  for (const input of inputs) {
    if (input.state === 'held' && (!found || input.timeMs < found.timeMs)) found = input;
  }
  return found;
}
