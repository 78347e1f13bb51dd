/**
 * The output of one attempt as a stream of chunks, to what is there now or on until the attempt is over: both outputs by
 * turns, or in the order of writing. Holds what was read at once: whoever reads slowly only reads later, and is told what
 * was given back to the disk meanwhile.
 */
import { join } from 'node:path';
import { create } from '@bufbuild/protobuf';
import { type Timestamp, timestampFromMs, timestampMs } from '@bufbuild/protobuf/wkt';
import type { Clock } from '#base/clock.ts';
import type { OpenLog } from '#protocol/gen/drover/v1/link_pb.ts';
import { type LogChunk, LogChunkSchema, LogSource } from '#protocol/gen/drover/v1/task_pb.ts';
import type { LogOrigin } from './log-origin.ts';
import { OutputFile } from './output-file.ts';
import {
  noBytes,
  type OutputName,
  type OutputSizes,
  outputNames,
  outputSources,
  timesName,
} from './outputs.ts';
import { isBeyond, type TimeEntry } from './time-index.ts';
import { TimeIndexReader } from './time-index-reader.ts';

/** Longest delay of a timer. */
const timerMaxMs = 2 ** 31 - 1;
const endless: OutputSizes = { stdout: Number.POSITIVE_INFINITY, stderr: Number.POSITIVE_INFINITY };

/** One of the outputs that are read. */
interface Stream {
  readonly name: OutputName;
  readonly file: OutputFile;
  /** Bytes before the first chunk that were not asked for, until that chunk says so. */
  skipped: number;
}

interface Reading {
  readonly order: OpenLog;
  readonly origin: LogOrigin;
  readonly index: TimeIndexReader;
  readonly streams: readonly Stream[];
  readonly abort: AbortSignal;
}

/**
 * Chunks of standard output and standard error, each in its order. Ends when all that was asked for was given, or
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
  const { log, over } = origin;
  await using resources = new AsyncDisposableStack();
  const index = new TimeIndexReader(join(log.directory, timesName));
  const streams = openStreams(order, origin);
  for (const { file } of streams) resources.use(file);
  const reading = { order, origin, index, streams, abort };
  const offsetOf = (name: OutputName) =>
    streams.find((stream) => stream.name === name)?.file.offset ?? Number.POSITIVE_INFINITY;
  using _followed = order.follow ? log.followed(offsetOf) : undefined;
  using _awaited = order.interactive ? log.awaited() : undefined;
  log.look();
  const there = log.sizes;
  await placeStreams(reading, there);
  using until = new Deadline(order.until, clock);
  const wake = AbortSignal.any([abort, over, until.signal]);
  for (let first = true; !abort.aborted; first = false) {
    // Asked before looking: what was written before the end is there then.
    const last = !order.follow || over.aborted || until.signal.aborted;
    const seen = log.growth;
    if (!first) log.look();
    // Otherwise a writer that is faster than its reader would have no end, nor be caught up with.
    const known = first && (order.times || !order.follow) ? there : log.sizes;
    const end = until.signal.aborted ? await sizesBefore(order.until, reading, known) : known;
    yield* order.times ? readInOrder(reading, end) : readByTurns(reading, end);
    if (first && order.times && !abort.aborted) yield caughtUp(reading);
    if (last) return;
    if (!first || !order.times) await log.grown(seen, wake);
  }
}

function openStreams(order: OpenLog, { log }: LogOrigin): Stream[] {
  const { source } = order;
  const names = outputNames.filter(
    (name) => source === LogSource.UNSPECIFIED || source === outputSources[name],
  );
  return names.map((name) => {
    const offset = Number(name === 'stdout' ? order.stdoutOffset : order.stderrOffset);
    const file = new OutputFile(join(log.directory, name), offset, () => log.floors[name]);
    return { name, file, skipped: 0 };
  });
}

/** Goes over what was not asked for: what lies before `since`, and before the last lines. */
async function placeStreams({ order, streams, ...reading }: Reading, there: OutputSizes): Promise<void> {
  const since = order.since ? await sizesBefore(order.since, { order, streams, ...reading }, there) : noBytes;
  for (const stream of streams) {
    const { file, name } = stream;
    const from = file.offset;
    file.skipTo(since[name]);
    const tail = order.tailLines > 0 ? await file.findTail(order.tailLines, there[name]) : undefined;
    if (tail !== undefined) file.skipTo(tail);
    stream.skipped = file.offset - from;
  }
}

/** How much of `sizes` was written before that time. */
async function sizesBefore(
  time: Timestamp | undefined,
  { index, origin }: Reading,
  sizes: OutputSizes,
): Promise<OutputSizes> {
  if (!time) return sizes;
  const timeMs = timestampMs(time);
  const found = (await index.sizesAt(timeMs, [...origin.log.unwritten])) ?? sizes;
  return { stdout: Math.min(found.stdout, sizes.stdout), stderr: Math.min(found.stderr, sizes.stderr) };
}

/** What is there before `end`, a chunk of each output by turns. */
async function* readByTurns(reading: Reading, end: OutputSizes): AsyncGenerator<LogChunk> {
  for (let open = [...reading.streams]; open.length > 0; ) {
    const more: Stream[] = [];
    for (const stream of open) {
      if (reading.abort.aborted) return;
      const chunk = await nextChunk(stream, end[stream.name], end, reading);
      if (!chunk) continue;
      more.push(stream);
      yield chunk;
    }
    open = more;
  }
}

/** What is there before `end`, as the index has it: each chunk was written by one entry's time. */
async function* readInOrder(reading: Reading, end: OutputSizes): AsyncGenerator<LogChunk> {
  // Taken before the file is read: what is written there meanwhile is in it then.
  const unwritten = [...reading.origin.log.unwritten];
  for await (const entries of reading.index.after(positionOf(reading))) {
    yield* readEntries(reading, entries, end);
    const lastEntry = entries.at(-1);
    if (reading.abort.aborted || (lastEntry && !isBeyond(end, lastEntry))) return;
  }
  yield* readEntries(reading, unwritten, end);
}

async function* readEntries(
  reading: Reading,
  entries: readonly TimeEntry[],
  end: OutputSizes,
): AsyncGenerator<LogChunk> {
  for (const entry of entries) {
    for (const stream of reading.streams) {
      const bound = Math.min(entry[stream.name], end[stream.name]);
      while (stream.file.offset < bound && !reading.abort.aborted) {
        const chunk = await nextChunk(stream, bound, end, reading, entry.timeMs);
        if (!chunk) break;
        yield chunk;
      }
    }
  }
}

/** Where both outputs are; an output that is not read is beyond everything. */
function positionOf({ streams }: Reading): OutputSizes {
  const position: Record<OutputName, number> = { ...endless };
  for (const { name, file } of streams) position[name] = file.offset;
  return position;
}

async function nextChunk(
  stream: Stream,
  bound: number,
  end: OutputSizes,
  { order, origin }: Reading,
  writtenMs?: number,
): Promise<LogChunk | undefined> {
  const piece = await stream.file.read(bound, end[stream.name]);
  if (!piece) return undefined;
  const skipped = stream.skipped;
  stream.skipped = 0;
  return create(LogChunkSchema, {
    taskId: order.taskId,
    attempt: origin.attempt,
    source: outputSources[stream.name],
    offset: BigInt(piece.offset),
    data: piece.data,
    goneBytes: BigInt(piece.gone),
    skippedBytes: BigInt(skipped),
    ...(writtenMs !== undefined && { writtenAt: timestampFromMs(writtenMs) }),
  });
}

function caughtUp({ order, origin }: Reading): LogChunk {
  return create(LogChunkSchema, { taskId: order.taskId, attempt: origin.attempt, caughtUp: true });
}

/** Aborts its signal when a time of the wall clock has come; never where there is none. */
class Deadline implements Disposable {
  readonly #controller = new AbortController();
  #timer: Disposable | undefined;

  constructor(time: Timestamp | undefined, clock: Clock) {
    if (time) this.#wait(timestampMs(time), clock);
  }

  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  [Symbol.dispose](): void {
    this.#timer?.[Symbol.dispose]();
  }

  #wait(timeMs: number, clock: Clock): void {
    const leftMs = timeMs - clock.wallMs();
    if (leftMs <= 0) this.#controller.abort();
    else this.#timer = clock.schedule(Math.min(leftMs, timerMaxMs), () => this.#wait(timeMs, clock));
  }
}
