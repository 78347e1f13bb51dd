/**
 * One log on its way up: a request of its own beside the session, as fast as HTTP/2 lets it and no faster. The
 * controller resets the request when nobody reads any more.
 */
import type { ClientHttp2Session, ClientHttp2Stream } from 'node:http2';
import type { Workload } from '#agent/workload.ts';
import type { Clock } from '#base/clock.ts';
import type { OpenLog } from '#protocol/gen/drover/v1/link_pb.ts';
import type { LogChunk } from '#protocol/gen/drover/v1/task_pb.ts';
import { encodeLogFrame } from './encode-log-frame.ts';
import { linkRequestHeaders } from './link-request.ts';
import type { PushPace } from './push-pace.ts';
import { settledOrAfter } from './settled-or-after.ts';

/** What pushing needs. */
export interface PushLogParts {
  readonly connection: ClientHttp2Session;
  readonly workload: Workload;
  readonly clock: Clock;
  /** Of the connection. */
  readonly pace: PushPace;
}

/**
 * Pushes the log that `order` names to its end. Resolves at the end, and also when the controller has reset the request
 * or `session` aborts.
 *
 * @throws RefusedOrderError when there is nothing to push, and what reading the log throws; the request is then reset.
 */
export async function pushLog(order: OpenLog, parts: PushLogParts, session: AbortSignal): Promise<void> {
  const reading = new AbortController();
  const abort = AbortSignal.any([session, reading.signal]);
  const chunks = parts.workload.readLog(order, abort)[Symbol.asyncIterator]();
  using _log = parts.pace.join();
  let request: ClientHttp2Stream | undefined;
  try {
    const first = chunks.next();
    await settledOrAfter(first, parts.clock);
    request = openPush(parts.connection, order.streamId, reading);
    await pump(request, first, chunks, parts.pace, abort);
    if (!abort.aborted) request.end();
  } catch (error) {
    // Not close(): that ends the request before it resets it, which would say that the log is whole.
    request?.destroy(new Error('the log broke off', { cause: error }));
    if (!abort.aborted) throw error;
  } finally {
    reading.abort();
    await chunks.return?.();
  }
}

function openPush(connection: ClientHttp2Session, streamId: bigint, reading: AbortController) {
  const request = connection.request({
    ...linkRequestHeaders('Push'),
    'drover-stream': streamId.toString(),
  });
  request.on('error', () => {});
  request.on('close', () => reading.abort());
  request.resume();
  return request;
}

async function pump(
  request: ClientHttp2Stream,
  first: Promise<IteratorResult<LogChunk>>,
  chunks: AsyncIterator<LogChunk>,
  pace: PushPace,
  abort: AbortSignal,
): Promise<void> {
  let step = await first;
  while (!step.done) {
    abort.throwIfAborted();
    const [head, data] = encodeLogFrame(step.value);
    request.write(head);
    // Read while this one is on its way.
    const next = chunks.next();
    next.catch(() => {});
    await write(request, data, pace, abort);
    step = await next;
  }
}

/** Writes as the link takes it: a whole chunk where that is fast. Resolves when all has left, or `abort` aborts. */
async function write(request: ClientHttp2Stream, data: Uint8Array, pace: PushPace, abort: AbortSignal) {
  for (let at = 0; at < data.length && !abort.aborted; ) {
    const slice = data.subarray(at, at + (await pace.admit()));
    await hasLeft(request, slice, abort);
    pace.sent(slice.length);
    at += slice.length;
  }
}

/** A request that is closed meanwhile does not call back. */
function hasLeft(request: ClientHttp2Stream, bytes: Uint8Array, abort: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const done = () => {
      abort.removeEventListener('abort', done);
      resolve();
    };
    abort.addEventListener('abort', done, { once: true });
    if (abort.aborted) done();
    else request.write(bytes, done);
  });
}
