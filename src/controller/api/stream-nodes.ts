/** The answer to a call about files: which nodes, what comes of them in the order of its coming, and the end of each. */
import type { FileEnd } from '#protocol/gen/drover/v1/api_pb.ts';
import type { NodeName } from '#protocol/ids.ts';
import { limits } from '#protocol/limits.ts';
import type { FileCall } from './file-call.ts';
import { type NodeWork, overNodes } from './over-nodes.ts';
import { ResponseQueue } from './response-queue.ts';

/** How an answer says what every answer says. */
export interface AnswerWords<T> {
  selected(nodes: NodeName[]): T;
  end(end: FileEnd): T;
}

/** An answer under way. */
export interface NodeStream<T> {
  /** What is put here is part of the answer. */
  readonly queue: ResponseQueue<T>;
  /** Aborts when the call is over. */
  readonly abort: AbortSignal;
  /** The caller's part has failed: so does every node that is not through, and then the call. Without effect when it is over. */
  breakOff(error: unknown): void;
}

/**
 * Yields the answer.
 *
 * @param begin is called once, and gives what is done on each node.
 * @throws what `breakOff` was given, after every node's end; the reason of `signal`.
 */
export async function* streamNodes<T>(
  call: FileCall,
  words: AnswerWords<T>,
  begin: (stream: NodeStream<T>) => NodeWork,
  signal: AbortSignal,
): AsyncGenerator<T, void, undefined> {
  const queue = new ResponseQueue<T>(limits.followBufferBytesMax);
  const over = new AbortController();
  const broken = new AbortController();
  const abort = AbortSignal.any([signal, over.signal, broken.signal]);
  queue.push(words.selected(call.nodes.map(({ name }) => name)));
  const work = begin({
    queue,
    abort,
    breakOff: (error) => {
      if (!over.signal.aborted) broken.abort(error);
    },
  });
  const worked = overNodes(call, work, (end) => queue.push(words.end(end))).then(
    () => (broken.signal.aborted ? queue.fail(broken.signal.reason) : queue.end()),
    (error: unknown) => queue.fail(error),
  );
  try {
    yield* queue.read(signal);
  } finally {
    over.abort();
    await worked;
  }
}
