/** Remembers how far each output was read, so that a stream that is opened again repeats nothing. */
import type { LogChunk } from '#protocol/gen/drover/v1/task_pb.ts';

/** Positions of any number of outputs. */
export class LogCursor {
  readonly #next = new Map<string, bigint>();

  /** What of a chunk is new; undefined where nothing is. */
  unread(chunk: LogChunk): LogChunk | undefined {
    const key = `${chunk.taskId} ${chunk.attempt} ${chunk.source}`;
    const end = chunk.offset + BigInt(chunk.data.length);
    const next = this.#next.get(key);
    if (next !== undefined && end <= next) return undefined;
    this.#next.set(key, end);
    if (next === undefined || chunk.offset >= next) return chunk;
    const known = Number(next - chunk.offset);
    return { ...chunk, offset: next, data: chunk.data.subarray(known), goneBytes: 0n };
  }
}
