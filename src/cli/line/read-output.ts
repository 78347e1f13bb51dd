/** What one task prints, as it comes, across lost connections: each byte once, and nothing is read twice. */
import type { Clock } from '#base/clock.ts';
import type { Connection } from '#cli/connect-cluster.ts';
import { retryStream } from '#cli/follow/retry-stream.ts';
import { type LogChunk, LogSource } from '#protocol/gen/drover/v1/task_pb.ts';

/** Which output. */
export interface ReadOutputOptions {
  readonly taskId: string;
  /** Where the first reading begins: so many lines before the end; 0 for the beginning. */
  readonly tailLines: number;
  readonly clock: Clock;
  readonly abort: AbortSignal;
}

/**
 * Yields chunks until the task has ended and everything has come, as the other end of its line: the task waits for us.
 *
 * @throws as retryStream.
 */
export async function* readOutput(
  { tasks }: Pick<Connection, 'tasks'>,
  { taskId, tailLines, clock, abort }: ReadOutputOptions,
): AsyncGenerator<LogChunk, void, undefined> {
  const next = { attempt: 0, stdoutOffset: 0n, stderrOffset: 0n, tailLines };
  const open = () =>
    tasks.readLogs(
      { query: { refs: [taskId] }, follow: true, interactive: true, ...next },
      { signal: abort },
    );
  const silent = { onLost: () => {}, onBack: () => {} };
  for await (const chunk of retryStream(open, { clock, abort, ...silent })) {
    yield chunk;
    next.attempt = chunk.attempt;
    next.tailLines = 0;
    const end = chunk.offset + BigInt(chunk.data.length);
    if (chunk.source === LogSource.STDERR) next.stderrOffset = end;
    else next.stdoutOffset = end;
  }
}
