/**
 * A tree from one caller to many nodes: the manifest goes to the disk and from there to each node at its own pace, chunks are asked of the
 * caller once for all who want them. What is wrong with one node ends that node's copy and no other's; a manifest that breaks off ends
 * every one that is not done.
 */
import { create, type MessageInitShape } from '@bufbuild/protobuf';
import { ChunkExchange } from '#controller/files/chunk-exchange.ts';
import type { ManifestSpool } from '#controller/files/manifest-spool.ts';
import { RateLimit } from '#controller/files/rate-limit.ts';
import { type SentTree, sendTree } from '#controller/files/send-tree.ts';
import { RefusedError } from '#protocol/errors.ts';
import {
  type CopyToNodesRequest,
  type CopyToNodesResponse,
  CopyToNodesResponseSchema,
} from '#protocol/gen/drover/v1/api_pb.ts';
import type { ReceiverFrame } from '#protocol/gen/drover/v1/file_pb.ts';
import type { NodeName } from '#protocol/ids.ts';
import { limits } from '#protocol/limits.ts';
import type { ApiParts } from './api-parts.ts';
import type { FileCall } from './file-call.ts';
import { contentBytes, frameBytes } from './frame-bytes.ts';
import type { NodeTally } from './over-nodes.ts';
import { type AnswerWords, type NodeStream, streamNodes } from './stream-nodes.ts';

type Parts = Pick<ApiParts, 'dispatch' | 'clock' | 'staging' | 'metrics'>;

/**
 * Copies what `requests` brings to the nodes of the call.
 *
 * @param requests what follows the first one.
 * @throws RefusedError when the caller's part makes no sense, after every node's end; the reason of `signal`.
 */
export async function* copyToNodes(
  parts: Parts,
  call: FileCall,
  requests: AsyncIterator<CopyToNodesRequest>,
  signal: AbortSignal,
): AsyncGenerator<CopyToNodesResponse, void, undefined> {
  const { staging, metrics, clock } = parts;
  await using manifest = await staging.openManifest();
  yield* streamNodes(
    call,
    words,
    (stream) => {
      const exchange = new ChunkExchange({
        memory: staging.memory,
        ask: (chunks) => stream.queue.push(response({ case: 'want', value: { chunks: [...chunks] } })),
        onGiven: (from) => metrics.chunkGiven(from),
      });
      const rate = new RateLimit(clock, call.bytesPerSecond);
      const onSent = (bytes: number) => metrics.fileBytes('to_nodes', bytes);
      const copy = { parts, call, tree: { manifest, exchange, rate, onSent }, stream };
      takeIn(copy, requests).catch(stream.breakOff);
      return (node, tally) => copyToNode(copy, node, tally);
    },
    signal,
  );
}

const words: AnswerWords<CopyToNodesResponse> = {
  selected: (nodes) => response({ case: 'selected', value: { nodes } }),
  end: (end) => response({ case: 'end', value: end }),
};

interface Copy {
  readonly parts: Parts;
  readonly call: FileCall;
  readonly tree: SentTree;
  readonly stream: NodeStream<CopyToNodesResponse>;
}

async function copyToNode(copy: Copy, node: NodeName, tally: NodeTally): Promise<void> {
  const { parts, call, tree, stream } = copy;
  const { abort } = stream;
  abort.throwIfAborted();
  using files = await parts.dispatch.openFiles(node, call.order, call.operator.name, abort);
  tally.progress = await sendTree(
    files,
    tree,
    (frame, over) => tell(stream, node, tally, frame, over),
    abort,
  );
}

/** Tells the caller what a receiver says. */
async function tell(
  { queue }: NodeStream<CopyToNodesResponse>,
  node: NodeName,
  tally: NodeTally,
  frame: ReceiverFrame,
  over: AbortSignal,
): Promise<void> {
  const told = response({ case: 'receiver', value: { node, frame } });
  if (frame.kind.case === 'progress') {
    tally.progress = frame.kind.value;
    queue.offer(node, told);
    return;
  }
  if (frame.kind.case === 'problem') tally.add(frame.kind.value);
  await queue.put(told, frameBytes(frame), over);
}

/** Takes what the caller sends, until it sends no more. @throws RefusedError when that breaks off, or makes no sense. */
async function takeIn(
  { parts, tree, stream }: Copy,
  requests: AsyncIterator<CopyToNodesRequest>,
): Promise<void> {
  const { manifest, exchange } = tree;
  for (let step = await requests.next(); !step.done; step = await requests.next()) {
    stream.abort.throwIfAborted();
    const { kind } = step.value;
    if (kind.case !== 'sender') {
      throw new RefusedError('INVALID', 'a message after the first names a target, or says nothing');
    }
    const frame = kind.value;
    parts.metrics.fileBytes('from_callers', contentBytes(frame));
    if (frame.kind.case === 'chunk') {
      requireChunk(frame.kind.value.data);
      exchange.receive(frame.kind.value);
      continue;
    }
    await manifest.take(frame);
    if (manifest.isWhole) await manifest.flushed();
    if (frame.kind.case === 'problem') takeBack(exchange, frame.kind.value.entry);
  }
  leave(manifest, exchange);
}

function requireChunk({ length }: Uint8Array): void {
  if (length > 0 && length <= limits.fileChunkBytes) return;
  throw new RefusedError('INVALID', `a chunk has ${limits.fileChunkBytes} bytes at the most, not ${length}`);
}

function takeBack(exchange: ChunkExchange, entry: number | undefined): void {
  if (entry !== undefined) exchange.takeBack(entry);
}

/** The caller sends no more: what was asked for and has not come does not come. */
function leave(manifest: ManifestSpool, exchange: ChunkExchange): void {
  if (!manifest.isWhole)
    throw new RefusedError('INVALID', 'the copy broke off before its manifest was whole');
  exchange.close(
    new RefusedError('INVALID', 'the copy broke off: what sent it has gone, and not all of it came'),
  );
}

function response(kind: MessageInitShape<typeof CopyToNodesResponseSchema>['kind']): CopyToNodesResponse {
  return create(CopyToNodesResponseSchema, kind ? { kind } : {});
}
