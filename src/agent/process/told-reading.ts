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
  readonly lines: LineWatch;
  /** The attempt, unless it is over. */
  readonly live: LiveAttempt | undefined;
  readonly id: string;
}

/** So many bytes are read before that is told: a part of limits.terminalAheadBytes, and not each key's echo. */
const tellBytes = 32 << 10;

/** The supervisor's number of each output. */
const streams = { [LogSource.STDOUT]: 1, [LogSource.STDERR]: 2 } as const;

/**
 * The same chunks, that `order` asked for. One counts as read when the next is asked for. Where the monitor cannot be told, as when
 * it is told by too many, the task is not held up for this reader.
 */
export async function* toldReading(
  chunks: AsyncIterable<LogChunk>,
  { stdoutOffset, stderrOffset }: OpenLog,
  { supervisor, lines, live, id }: ToldReadingParts,
): AsyncGenerator<LogChunk> {
  using _present = live && lines.listen(live);
  using client = live && (await supervisor.attach(id).catch(() => undefined));
  const told = new Map<LogSource, bigint>();
  await tell(client, told, LogSource.STDOUT, stdoutOffset);
  await tell(client, told, LogSource.STDERR, stderrOffset);
  for await (const chunk of chunks) {
    yield chunk;
    const read = chunk.offset + BigInt(chunk.data.length);
    if (read - (told.get(chunk.source) ?? 0n) >= tellBytes) await tell(client, told, chunk.source, read);
  }
}

async function tell(
  client: AttachClient | undefined,
  told: Map<LogSource, bigint>,
  source: LogSource,
  offset: bigint,
): Promise<void> {
  const stream = Object.hasOwn(streams, source) ? streams[source as keyof typeof streams] : undefined;
  if (!client || stream === undefined) return;
  told.set(source, offset);
  await client.send('attachRead', { stream, offset }).catch(() => {});
}
