/** Has a terminal's monitor know how far the person at it has read, so that it holds the task up. */
import { type LogChunk, LogSource } from '#protocol/gen/drover/v1/task_pb.ts';
import type { SupervisorClient } from './supervisor-client.ts';

/** So many bytes are read before that is told: a part of limits.terminalAheadBytes, and not each key's echo. */
const tellBytes = 32 << 10;

/**
 * The same chunks. One counts as read when the next is asked for. Where the monitor cannot be told, as when too many are,
 * the task is not held up for this reader.
 *
 * @param from where reading begins.
 */
export async function* toldReading(
  chunks: AsyncIterable<LogChunk>,
  from: bigint,
  supervisor: Pick<SupervisorClient, 'attach'>,
  id: string,
): AsyncGenerator<LogChunk> {
  using client = await supervisor.attach(id).catch(() => undefined);
  let told = from;
  const tell = (offset: bigint) => {
    told = offset;
    return client?.send('attachRead', { offset }).catch(() => {});
  };
  await tell(from);
  for await (const chunk of chunks) {
    yield chunk;
    if (chunk.source !== LogSource.STDOUT) continue;
    const read = chunk.offset + BigInt(chunk.data.length);
    if (read - told >= tellBytes) await tell(read);
  }
}
