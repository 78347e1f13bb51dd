/**
 * The output of one attempt as a stream of chunks, from offsets or for the last lines, to what is there now or on until the
 * attempt is over. Holds one chunk at a time: whoever reads slowly only reads later.
 */
import { join } from 'node:path';
import { create } from '@bufbuild/protobuf';
import type { Clock } from '#base/clock.ts';
import type { OpenLog } from '#protocol/gen/drover/v1/link_pb.ts';
import { type LogChunk, LogChunkSchema, LogSource } from '#protocol/gen/drover/v1/task_pb.ts';
import { awaitPoll, watchGrowth } from './await-growth.ts';
import { OutputFile } from './output-file.ts';

/** Looks without anything new before a file counts as idle. */
export const hotPolls = 5;

/** Whose output is read. */
export interface LogOrigin {
  readonly directory: string;
  /** Number of the attempt. */
  readonly attempt: number;
  /** Aborts when nothing of the attempt is left, so that the files do not grow any more. */
  readonly over: AbortSignal;
}

interface Source {
  readonly source: LogSource;
  readonly file: OutputFile;
}

/**
 * Chunks of standard output and standard error by turns, each in its order. Ends when all that was asked for was given, or
 * soon after `abort` aborted, without an error. `node` is left empty in the chunks: the agent does not know it here.
 *
 * @throws the system's error when an output cannot be read.
 */
export async function* readLog(
  order: OpenLog,
  origin: LogOrigin,
  clock: Clock,
  abort: AbortSignal,
): AsyncGenerator<LogChunk> {
  await using resources = new AsyncDisposableStack();
  const sources = sourcesOf(order, origin).map((source) => {
    resources.use(source.file);
    return source;
  });
  for (const { file } of sources) {
    if (order.tailLines > 0) await file.seekTail(order.tailLines);
    if (!order.follow) await file.endHere();
  }
  const wake = AbortSignal.any([abort, origin.over]);
  let idlePolls = 0;
  while (!abort.aborted) {
    // Asked before reading: what was written before the end is there then.
    const last = !order.follow || origin.over.aborted;
    const found = yield* readWhatIsThere(sources, order, origin, abort);
    if (last) return;
    idlePolls = found ? 0 : idlePolls + 1;
    using growth = idlePolls < hotPolls ? undefined : watchGrowth(origin.directory, wake);
    if (!growth) {
      await awaitPoll(clock, wake);
      continue;
    }
    // Once more, so that nothing falls between the last look and the watch.
    if (!(yield* readWhatIsThere(sources, order, origin, abort))) await growth.changed;
    idlePolls = 0;
  }
}

async function* readWhatIsThere(
  sources: readonly Source[],
  order: OpenLog,
  origin: LogOrigin,
  abort: AbortSignal,
): AsyncGenerator<LogChunk, boolean> {
  let found = false;
  for (let open = [...sources]; open.length > 0; ) {
    const more: Source[] = [];
    for (const entry of open) {
      if (abort.aborted) return found;
      const piece = await entry.file.read();
      if (!piece) continue;
      more.push(entry);
      found = true;
      yield create(LogChunkSchema, {
        taskId: order.taskId,
        attempt: origin.attempt,
        source: entry.source,
        offset: BigInt(piece.offset),
        data: piece.data,
        goneBytes: 0n,
      });
    }
    open = more;
  }
  return found;
}

function sourcesOf(order: OpenLog, { directory }: LogOrigin): Source[] {
  const stdout = new OutputFile(join(directory, 'stdout'), Number(order.stdoutOffset));
  const stderr = new OutputFile(join(directory, 'stderr'), Number(order.stderrOffset));
  const sources = [
    { source: LogSource.STDOUT, file: stdout },
    { source: LogSource.STDERR, file: stderr },
  ];
  return order.source === LogSource.UNSPECIFIED
    ? sources
    : sources.filter(({ source }) => source === order.source);
}
