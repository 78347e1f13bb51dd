/**
 * Trees from many nodes to one caller, who is the receiver of each: frames are passed on both ways as they come. A caller that does not read
 * holds its nodes up; a node that does not read is given up after a while, and holds the caller up meanwhile. So is one that does not send
 * what it was asked for, and that holds up nobody.
 */
import { create, type MessageInitShape, toBinary } from '@bufbuild/protobuf';
import type { Clock } from '#base/clock.ts';
import { encodeFrame } from '#base/grpc-frames.ts';
import { type FileNews, type FileStream, NodeRefusedError } from '#controller/dispatch/dispatch.ts';
import { refuseReceiver } from '#controller/dispatch/judge-files.ts';
import { BrokenOffError } from '#controller/dispatch/stream-messages.ts';
import { OwedChunks } from '#controller/files/owed-chunks.ts';
import { RateLimit } from '#controller/files/rate-limit.ts';
import { RefusedError } from '#protocol/errors.ts';
import {
  type CopyFromNodesRequest,
  type CopyFromNodesResponse,
  CopyFromNodesResponseSchema,
  type NodeReceiverFrame,
} from '#protocol/gen/drover/v1/api_pb.ts';
import type { ReceiverFrame, SenderFrame } from '#protocol/gen/drover/v1/file_pb.ts';
import { FilesDownSchema } from '#protocol/gen/drover/v1/link_pb.ts';
import type { NodeName } from '#protocol/ids.ts';
import { limits } from '#protocol/limits.ts';
import type { ApiParts } from './api-parts.ts';
import type { FileCall } from './file-call.ts';
import { contentBytes, frameBytes } from './frame-bytes.ts';
import type { NodeTally, NodeWork } from './over-nodes.ts';
import { type AnswerWords, type NodeStream, streamNodes } from './stream-nodes.ts';

type Parts = Pick<ApiParts, 'dispatch' | 'clock' | 'metrics'>;

/**
 * Copies from the nodes of the call what its order names.
 *
 * @param requests what follows the first one.
 * @throws RefusedError when the caller's part makes no sense, after every node's end; the reason of `signal`.
 */
export async function* copyFromNodes(
  parts: Parts,
  call: FileCall,
  requests: AsyncIterator<CopyFromNodesRequest>,
  signal: AbortSignal,
): AsyncGenerator<CopyFromNodesResponse, void, undefined> {
  const begin = (stream: NodeStream<CopyFromNodesResponse>): NodeWork => {
    const rate = new RateLimit(parts.clock, call.bytesPerSecond);
    const receivers = new Map(call.nodes.map(({ name }) => [name, undefined]));
    const copy = { parts, call, stream, rate, receivers };
    takeIn(copy, requests).catch(stream.breakOff);
    return (node, tally) => copyFromNode(copy, node, tally);
  };
  yield* streamNodes(call, words, begin, signal);
}

const words: AnswerWords<CopyFromNodesResponse> = {
  selected: (nodes) => response({ case: 'selected', value: { nodes } }),
  end: (end) => response({ case: 'end', value: end }),
};

interface Copy {
  readonly parts: Parts;
  readonly call: FileCall;
  readonly stream: NodeStream<CopyFromNodesResponse>;
  readonly rate: RateLimit;
  /** By the node whose tree they receive; those of nodes that are not being copied from are undefined. */
  readonly receivers: Map<NodeName, Receiver | undefined>;
}

/** The caller, as the receiver of one node's tree. */
interface Receiver {
  readonly files: FileStream;
  readonly tally: NodeTally;
  readonly owed: OwedChunks;
  isDone: boolean;
  /** Rejects as soon as the node takes no more of what the caller sends it. */
  readonly failed: PromiseWithResolvers<never>;
}

async function copyFromNode(copy: Copy, node: NodeName, tally: NodeTally): Promise<void> {
  const { parts, call, receivers, stream } = copy;
  stream.abort.throwIfAborted();
  using files = await parts.dispatch.openFiles(node, call.order, call.operator.name, stream.abort);
  const failed = Promise.withResolvers<never>();
  const receiver = { files, tally, owed: new OwedChunks(), isDone: false, failed };
  const over = new AbortController();
  const abort = AbortSignal.any([stream.abort, over.signal]);
  receivers.set(node, receiver);
  try {
    await Promise.race([passOn(copy, node, receiver, abort), failed.promise]);
  } finally {
    receivers.set(node, undefined);
    over.abort();
  }
}

/** Passes on what the node sends. */
async function passOn(
  { parts, stream, rate }: Copy,
  node: NodeName,
  receiver: Receiver,
  abort: AbortSignal,
): Promise<void> {
  const news = receiver.files.receive();
  for (;;) {
    const step = await nextNews(news, receiver, parts.clock);
    if (step.done) break;
    const frame = step.value.value as SenderFrame;
    receiver.owed.hear(frame);
    // It did not know yet.
    if (receiver.isDone) continue;
    const bytes = contentBytes(frame);
    if (frame.kind.case === 'problem') receiver.tally.add(frame.kind.value);
    await rate.take(bytes, abort);
    await stream.queue.put(response({ case: 'sender', value: { node, frame } }), frameBytes(frame), abort);
    parts.metrics.fileBytes('from_nodes', bytes);
  }
  if (!receiver.isDone) throw new BrokenOffError('files');
}

/** What the node sends next. @throws NodeRefusedError when it sends nothing for too long of what it was asked for. */
async function nextNews(
  news: AsyncGenerator<FileNews, void, undefined>,
  { owed, failed }: Receiver,
  clock: Clock,
): Promise<IteratorResult<FileNews, void>> {
  let wasOwing = owed.some;
  // Looked at twice: what is asked for in the meantime has its own time.
  const look = () =>
    clock.schedule(limits.fileStallMs, () => {
      const seconds = limits.fileStallMs / 1_000;
      if (wasOwing && owed.some) {
        failed.reject(new NodeRefusedError(`it sent nothing of what it was asked for in ${seconds} s`));
      }
      wasOwing = owed.some;
      timer = look();
    });
  let timer = look();
  try {
    return await news.next();
  } finally {
    timer[Symbol.dispose]();
  }
}

/** Takes what the caller sends. @throws RefusedError when that breaks off, or makes no sense. */
async function takeIn(copy: Copy, requests: AsyncIterator<CopyFromNodesRequest>): Promise<never> {
  for (let step = await requests.next(); !step.done; step = await requests.next()) {
    copy.stream.abort.throwIfAborted();
    const { kind } = step.value;
    if (kind.case !== 'receiver') {
      throw new RefusedError('INVALID', 'a message after the first names a target, or says nothing');
    }
    await take(copy, kind.value);
  }
  throw new RefusedError('INVALID', 'the copy broke off: what received it has gone');
}

async function take({ receivers }: Copy, { node, frame }: NodeReceiverFrame): Promise<void> {
  if (!receivers.has(node))
    throw new RefusedError('INVALID', `nothing is copied from ${JSON.stringify(node)}`);
  const refusal = frame ? refuseReceiver(frame) : 'an empty frame';
  if (refusal !== undefined || !frame)
    throw new RefusedError('INVALID', `a receiver makes no sense: ${refusal}`);
  const receiver = receivers.get(node);
  // What came too late for a node that is through is nobody's mistake.
  if (!receiver || receiver.isDone) return;
  const { kind } = frame;
  if (kind.case === 'progress' || kind.case === 'done') receiver.tally.progress = kind.value;
  // What became of each entry is nothing to the sender; how far the receiver is, it waits for.
  if (kind.case === 'result') return;
  if (kind.case === 'want') receiver.owed.want(kind.value.chunks);
  receiver.isDone = kind.case === 'done';
  await receiver.files.send(encodeReceiver(frame)).catch(receiver.failed.reject);
  if (receiver.isDone) receiver.files.expectEnd();
}

function encodeReceiver(frame: ReceiverFrame): Buffer {
  const down = create(FilesDownSchema, { kind: { case: 'receiver', value: frame } });
  return encodeFrame(toBinary(FilesDownSchema, down, { writeUnknownFields: false }));
}

function response(kind: MessageInitShape<typeof CopyFromNodesResponseSchema>['kind']): CopyFromNodesResponse {
  return create(CopyFromNodesResponseSchema, kind ? { kind } : {});
}
