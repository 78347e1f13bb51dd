/**
 * One log on its way up: a request of its own beside the session, as fast as HTTP/2 lets it and no faster. The
 * controller resets the request when nobody reads any more.
 */
import { once } from 'node:events';
import type { ClientHttp2Session, ClientHttp2Stream } from 'node:http2';
import type { Workload } from '#agent/workload.ts';
import type { Clock } from '#base/clock.ts';
import type { OpenLog } from '#protocol/gen/drover/v1/link_pb.ts';
import type { LogChunk } from '#protocol/gen/drover/v1/task_pb.ts';
import { encodeLogFrame } from './encode-log-frame.ts';
import { linkRequestHeaders } from './link-request.ts';
import { settledOrAfter } from './settled-or-after.ts';

/** What pushing needs. */
export interface PushLogParts {
  readonly connection: ClientHttp2Session;
  readonly workload: Workload;
  readonly clock: Clock;
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
  let request: ClientHttp2Stream | undefined;
  try {
    const first = chunks.next();
    await settledOrAfter(first, parts.clock);
    request = openPush(parts.connection, order.streamId, reading);
    await pump(request, first, chunks, abort);
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
  abort: AbortSignal,
): Promise<void> {
  let step = await first;
  while (!step.done) {
    abort.throwIfAborted();
    const [head, data] = encodeLogFrame(step.value);
    request.cork();
    request.write(head);
    const hasRoom = request.write(data);
    request.uncork();
    // Read while this one is on its way.
    const next = chunks.next();
    next.catch(() => {});
    if (!hasRoom) await once(request, 'drain', { signal: abort });
    step = await next;
  }
}
