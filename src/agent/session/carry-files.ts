/**
 * An order about files on a request of its own beside the session: what the agent says goes up in its body, what the controller
 * says comes down in its answer, both as fast as the flow control of HTTP/2 lets them and no faster.
 */
import { once } from 'node:events';
import type { ClientHttp2Session, ClientHttp2Stream } from 'node:http2';
import type { Workload } from '#agent/workload.ts';
import type { Clock } from '#base/clock.ts';
import { FilesDownSchema, type OpenFiles } from '#protocol/gen/drover/v1/link_pb.ts';
import { limits } from '#protocol/limits.ts';
import { encodeFilesFrame } from './encode-files-frame.ts';
import { linkRequestHeaders } from './link-request.ts';
import { readMessages } from './read-messages.ts';
import { settledOrAfter } from './settled-or-after.ts';

/** What carrying needs. */
export interface CarryFilesParts {
  readonly connection: ClientHttp2Session;
  readonly workload: Workload;
  readonly clock: Clock;
}

/**
 * Carries out `order` to its end. Resolves at the end, and also when the controller has reset the request or `session` aborts.
 *
 * @throws RefusedOrderError when it is refused, and what else keeps it from going on; the request is then reset.
 */
export async function carryFiles(
  order: OpenFiles,
  parts: CarryFilesParts,
  session: AbortSignal,
): Promise<void> {
  const carrying = new AbortController();
  const abort = AbortSignal.any([session, carrying.signal]);
  const opened = Promise.withResolvers<ClientHttp2Stream | undefined>();
  const down = readMessages(opened.promise, {
    schema: FilesDownSchema,
    bytesMax: limits.messageBytesMax,
    what: 'something about files',
  });
  const frames = parts.workload.carryOutFiles(order, down, abort)[Symbol.asyncIterator]();
  let request: ClientHttp2Stream | undefined;
  try {
    const first = frames.next();
    await settledOrAfter(first, parts.clock);
    request = openFiles(parts.connection, order.streamId, carrying);
    opened.resolve(request);
    for (let step = await first; !step.done; step = await frames.next()) {
      abort.throwIfAborted();
      let hasRoom = true;
      for (const part of encodeFilesFrame(step.value)) hasRoom = request.write(part);
      if (!hasRoom) await once(request, 'drain', { signal: abort });
    }
    if (!abort.aborted) request.end();
  } catch (error) {
    // Not close(): that ends the request before it resets it, which would say that all was done.
    request?.destroy(new Error('the files broke off', { cause: error }));
    if (!abort.aborted) throw error;
  } finally {
    opened.resolve(undefined);
    carrying.abort();
    await frames.return?.();
    // What still comes is nobody's, and the request is over only when it was read.
    request?.resume();
  }
}

function openFiles(connection: ClientHttp2Session, streamId: bigint, carrying: AbortController) {
  const request = connection.request({
    ...linkRequestHeaders('Files'),
    'drover-stream': streamId.toString(),
  });
  request.on('error', () => {});
  request.on('close', () => carrying.abort());
  return request;
}
