/** What is listed, read, made, moved or removed on many nodes: what each answers, merged as it comes. */
import { create, type MessageInitShape } from '@bufbuild/protobuf';
import { BrokenOffError, nonsense } from '#controller/dispatch/stream-messages.ts';
import { RateLimit } from '#controller/files/rate-limit.ts';
import { type NodeFileAnswer, NodeFileAnswerSchema } from '#protocol/gen/drover/v1/api_pb.ts';
import type { FileAnswer } from '#protocol/gen/drover/v1/file_pb.ts';
import type { NodeName } from '#protocol/ids.ts';
import type { ApiParts } from './api-parts.ts';
import type { FileCall } from './file-call.ts';
import { contentBytes, frameBytes } from './frame-bytes.ts';
import type { NodeTally, NodeWork } from './over-nodes.ts';
import { type AnswerWords, type NodeStream, streamNodes } from './stream-nodes.ts';

type Parts = Pick<ApiParts, 'dispatch' | 'clock' | 'metrics'>;

/** Carries a call out and yields what the nodes answer. @throws the reason of `signal`. */
export async function* askNodes(
  parts: Parts,
  call: FileCall,
  signal: AbortSignal,
): AsyncGenerator<NodeFileAnswer, void, undefined> {
  const begin = (stream: NodeStream<NodeFileAnswer>): NodeWork => {
    const rate = new RateLimit(parts.clock, call.bytesPerSecond);
    return (node, tally) => askNode({ parts, call, rate, stream }, node, tally);
  };
  yield* streamNodes(call, words, begin, signal);
}

const words: AnswerWords<NodeFileAnswer> = {
  selected: (nodes) => answer({ case: 'selected', value: { nodes } }),
  end: (end) => answer({ case: 'end', value: end }),
};

interface Asking {
  readonly parts: Parts;
  readonly call: FileCall;
  readonly rate: RateLimit;
  readonly stream: NodeStream<NodeFileAnswer>;
}

async function askNode(
  { parts, call, rate, stream }: Asking,
  node: NodeName,
  tally: NodeTally,
): Promise<void> {
  const { queue, abort } = stream;
  abort.throwIfAborted();
  using files = await parts.dispatch.openFiles(node, call.order, call.operator.name, abort);
  let isDone = false;
  for await (const news of files.receive()) {
    const value = news.value as FileAnswer;
    if (isDone) throw nonsense('something behind its last frame');
    if (value.kind.case === 'done') {
      isDone = true;
      files.expectEnd();
      tally.entries = value.kind.value;
      continue;
    }
    if (value.kind.case === 'problem') tally.add(value.kind.value);
    const bytes = contentBytes(value);
    await rate.take(bytes, abort);
    parts.metrics.fileBytes('from_nodes', bytes);
    await queue.put(answer({ case: 'answer', value: { node, answer: value } }), frameBytes(value), abort);
  }
  if (!isDone) throw new BrokenOffError('files');
}

function answer(kind: MessageInitShape<typeof NodeFileAnswerSchema>['kind']): NodeFileAnswer {
  return create(NodeFileAnswerSchema, kind ? { kind } : {});
}
