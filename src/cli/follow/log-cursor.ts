/** Remembers how far each output was read, so that a stream that is opened again repeats nothing. */
import { type LogChunk, LogSource } from '#protocol/gen/drover/v1/task_pb.ts';

/** Where to begin, in the words of ReadLogsRequest. */
export interface LogStart {
  readonly fromAttempt: number;
  readonly stdoutOffset?: bigint;
  readonly stderrOffset?: bigint;
}

/** Positions of any number of outputs. */
export class LogCursor {
  readonly #next = new Map<string, bigint>();
  /** Of each task the attempt that is read. */
  readonly #attempts = new Map<string, number>();

  /** What of a chunk is new; undefined where nothing is. */
  unread(chunk: LogChunk): LogChunk | undefined {
    const { taskId, attempt, offset, data, goneBytes, caughtUp } = chunk;
    if (attempt < (this.#attempts.get(taskId) ?? 0)) return undefined;
    if (caughtUp) return chunk;
    this.#attempts.set(taskId, attempt);
    const key = keyOf(taskId, attempt, chunk.source);
    const end = offset + BigInt(data.length);
    const next = this.#next.get(key);
    if (next !== undefined && end <= next) return undefined;
    this.#next.set(key, end);
    if (next === undefined || offset - goneBytes >= next) return chunk;
    if (offset >= next) return { ...chunk, goneBytes: offset - next };
    return { ...chunk, offset: next, data: data.subarray(Number(next - offset)), goneBytes: 0n };
  }

  /**
   * Where a stream of these tasks goes on: at the very byte of a single one, else at the first attempt of which something is
   * to come. Undefined where nothing was read yet.
   */
  resumption(taskIds: readonly string[]): LogStart | undefined {
    if (this.#next.size === 0) return undefined;
    const attempts = taskIds.map((id) => this.#attempts.get(id) || 1);
    const fromAttempt = Math.min(...attempts);
    const [only] = taskIds;
    if (only === undefined || taskIds.length > 1) return { fromAttempt };
    const nextOf = (source: LogSource) => this.#next.get(keyOf(only, fromAttempt, source)) ?? 0n;
    return {
      fromAttempt,
      stdoutOffset: nextOf(LogSource.STDOUT),
      stderrOffset: nextOf(LogSource.STDERR),
    };
  }

  /** Nothing of earlier attempts of a task is wanted. */
  beginAt(taskId: string, attempt: number): void {
    this.#attempts.set(taskId, attempt);
  }
}

function keyOf(taskId: string, attempt: number, source: LogSource): string {
  return `${taskId} ${attempt} ${source}`;
}
