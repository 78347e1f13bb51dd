/**
 * Input for one attempt on its way down: a request of its own beside the session. Its body says how far the input was taken,
 * its answer is what comes next; what the attempt does not take waits in the controller, by the flow control of HTTP/2.
 */
import { once } from 'node:events';
import type { ClientHttp2Session, ClientHttp2Stream } from 'node:http2';
import { create, toBinary } from '@bufbuild/protobuf';
import type { Workload } from '#agent/workload.ts';
import type { Clock } from '#base/clock.ts';
import { encodeFrame } from '#base/grpc-frames.ts';
import { InputFrameSchema, InputTakenSchema, type OpenInput } from '#protocol/gen/drover/v1/link_pb.ts';
import { limits } from '#protocol/limits.ts';
import { linkRequestHeaders } from './link-request.ts';
import { readMessages } from './read-messages.ts';
import { settledOrAfter } from './settled-or-after.ts';

/** What pulling needs. */
export interface PullInputParts {
  readonly connection: ClientHttp2Session;
  readonly workload: Workload;
  readonly clock: Clock;
}

/** Fields of a frame around its data. */
const frameOverheadBytes = 64;

/**
 * Gives the attempt that `order` names its input. Resolves when it takes no more, when the controller has ended or reset
 * the request, or `session` aborts.
 *
 * @throws RefusedOrderError when there is nothing that takes input; the request is then reset.
 */
export async function pullInput(
  order: OpenInput,
  parts: PullInputParts,
  session: AbortSignal,
): Promise<void> {
  const giving = new AbortController();
  const abort = AbortSignal.any([session, giving.signal]);
  const opened = Promise.withResolvers<ClientHttp2Stream | undefined>();
  const frames = readMessages(opened.promise, {
    schema: InputFrameSchema,
    bytesMax: limits.inputChunkBytesMax + frameOverheadBytes,
    what: 'input',
  });
  const takens = parts.workload.takeInput(order, frames, abort)[Symbol.asyncIterator]();
  let request: ClientHttp2Stream | undefined;
  try {
    const first = takens.next();
    await settledOrAfter(first, parts.clock);
    request = openPull(parts.connection, order.streamId, giving);
    opened.resolve(request);
    for (let step = await first; !step.done; step = await takens.next()) {
      const taken = toBinary(InputTakenSchema, create(InputTakenSchema, { offset: step.value }));
      if (!request.write(encodeFrame(taken))) await once(request, 'drain', { signal: abort });
    }
    if (!abort.aborted) request.end();
  } catch (error) {
    // Not close(): that ends the request before it resets it, which would say that the task takes no more.
    request?.destroy(new Error('the input broke off', { cause: error }));
    if (!abort.aborted) throw error;
  } finally {
    opened.resolve(undefined);
    giving.abort();
    await takens.return?.();
  }
}

function openPull(connection: ClientHttp2Session, streamId: bigint, giving: AbortController) {
  const request = connection.request({
    ...linkRequestHeaders('Pull'),
    'drover-stream': streamId.toString(),
  });
  request.on('error', () => {});
  request.on('close', () => giving.abort());
  return request;
}
