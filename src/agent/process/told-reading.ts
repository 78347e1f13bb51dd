/** Has the monitor of a terminal or pipes know how far their reader is, so that it holds the task up. */
import type { OpenLog } from '#protocol/gen/drover/v1/link_pb.ts';
import { type LogChunk, LogSource } from '#protocol/gen/drover/v1/task_pb.ts';
import type { AttachClient } from './attach-client.ts';
import type { LineWatch } from './line-watch.ts';
import type { LiveAttempt } from './live-attempt.ts';
import type { SupervisorClient } from './supervisor-client.ts';

/** What telling needs. */
export interface ToldReadingParts {
  readonly supervisor: Pick<SupervisorClient, 'attach'>;
  readonly lines: Pick<LineWatch, 'listen'>;
  /** The attempt, unless it is over. */
  readonly live: LiveAttempt | undefined;
  readonly id: string;
}

/** So many bytes are read before that is told: a part of limits.terminalAheadBytes, and not each key's echo. */
const tellBytes = 32n << 10n;

/** The supervisor's number of each output. */
const streams: Readonly<Partial<Record<LogSource, number>>> = {
  [LogSource.STDOUT]: 1,
  [LogSource.STDERR]: 2,
};

/**
 * The same chunks, that `order` asked for. One counts as read when the next is asked for. A reader may come before the monitor, or
 * lose it: then it is told with the next chunk. Where it cannot be told, as when it is told by too many, a terminal is not held up for
 * this reader.
 */
export async function* toldReading(
  chunks: AsyncIterable<LogChunk>,
  { stdoutOffset, stderrOffset }: OpenLog,
  { supervisor, lines, live, id }: ToldReadingParts,
): AsyncGenerator<LogChunk> {
  using _present = live && lines.listen(live);
  using position = live && new ToldPosition(() => supervisor.attach(id));
  await position?.tell(LogSource.STDOUT, stdoutOffset);
  await position?.tell(LogSource.STDERR, stderrOffset);
  for await (const chunk of chunks) {
    yield chunk;
    await position?.tell(chunk.source, chunk.offset + BigInt(chunk.data.length));
  }
}

/** How far a reader is, and what the monitor knows of it. */
class ToldPosition implements Disposable {
  readonly #attach: () => Promise<AttachClient>;
  readonly #read = new Map<LogSource, bigint>();
  readonly #told = new Map<LogSource, bigint>();
  #client: AttachClient | undefined;

  constructor(attach: () => Promise<AttachClient>) {
    this.#attach = attach;
  }

  /** Tells it when it is news. Does not throw: a monitor that is not there is told later. */
  async tell(source: LogSource, offset: bigint): Promise<void> {
    if (streams[source] === undefined) return;
    this.#read.set(source, offset);
    const told = this.#told.get(source);
    if (told !== undefined && offset - told < tellBytes) return;
    try {
      const client = await this.#connected();
      for (const [read, at] of this.#read) await this.#send(client, read, at);
    } catch {
      this[Symbol.dispose]();
    }
  }

  [Symbol.dispose](): void {
    this.#client?.[Symbol.dispose]();
    this.#client = undefined;
    this.#told.clear();
  }

  async #connected(): Promise<AttachClient> {
    if (this.#client?.closed) this[Symbol.dispose]();
    this.#client ??= await this.#attach();
    return this.#client;
  }

  async #send(client: AttachClient, source: LogSource, offset: bigint): Promise<void> {
    if (this.#told.get(source) === offset) return;
    await client.send('attachRead', { stream: streams[source] ?? 0, offset });
    this.#told.set(source, offset);
  }
}
