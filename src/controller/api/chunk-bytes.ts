/** What a log chunk takes while it waits. */
import type { LogChunk } from '#protocol/gen/drover/v1/task_pb.ts';

/** Around its data: very many small chunks, or empty ones, are bulk as well. */
const overheadBytes = 512;

/** Bytes of memory, roughly. */
export function chunkBytes({ data }: LogChunk): number {
  return data.length + overheadBytes;
}
