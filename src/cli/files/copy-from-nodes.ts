/** Copies trees from nodes to here: one receiver for each node, all on one stream of the API. */
import { create, type MessageInitShape } from '@bufbuild/protobuf';
import { FileStreamError } from '#base/files/file-error.ts';
import { FrameQueue } from '#base/files/frame-queue.ts';
import { receiveTree } from '#base/files/receive-tree.ts';
import type { SinkOptions } from '#base/files/sink-options.ts';
import type { CommandContext } from '#cli/command.ts';
import type { Connection } from '#cli/connect-cluster.ts';
import { printJsonLine } from '#cli/output/json.ts';
import {
  type CopyFromNodesRequestSchema,
  type CopyFromNodesResponse,
  type CopyFromNodesTargetSchema,
  NodeReceiverFrameSchema,
} from '#protocol/gen/drover/v1/api_pb.ts';
import { FileProblemSchema, type SenderFrame } from '#protocol/gen/drover/v1/file_pb.ts';
import { CopyReport } from './copy-report.ts';
import type { LocalTarget } from './local-target.ts';

type Request = MessageInitShape<typeof CopyFromNodesRequestSchema>;

/** Frames of one node that wait for its receiver, before the stream of all is read no further: 8 MiB. */
const framesAheadMax = 16;

/** What is received, and how. */
export interface TreesToReceive {
  readonly target: MessageInitShape<typeof CopyFromNodesTargetSchema>;
  /** Where what comes from a node goes. */
  readonly openTarget: (node: string) => Promise<LocalTarget>;
  readonly sink: Omit<SinkOptions, 'target' | 'clock'>;
  /** News of each node as JSON instead of text. */
  readonly jsonl: boolean;
}

/** Resolves to the exit code. */
export async function copyFromNodes(
  context: CommandContext,
  connection: Connection,
  trees: TreesToReceive,
): Promise<number> {
  const copy = new CopyFrom(context, trees);
  return await copy.run(connection);
}

/** What is on its way from one node. */
interface Receiving {
  readonly frames: FrameQueue<SenderFrame>;
  readonly received: Promise<void>;
}

class CopyFrom {
  readonly #context: CommandContext;
  readonly #trees: TreesToReceive;
  readonly #requests = new FrameQueue<Request>(Number.POSITIVE_INFINITY);
  readonly #receivings = new Map<string, Receiving>();
  readonly #report: CopyReport;

  constructor(context: CommandContext, trees: TreesToReceive) {
    this.#context = context;
    this.#trees = trees;
    const done = trees.sink.dryRun ? 'would be copied from' : 'copied from';
    this.#report = new CopyReport(context, { done, jsonl: trees.jsonl });
  }

  async run({ files }: Connection): Promise<number> {
    using report = this.#report;
    this.#requests.put({ kind: { case: 'target', value: this.#trees.target } });
    try {
      const responses = files.copyFromNodes(this.#requests.taken(), { signal: this.#context.abort });
      for await (const response of responses) await this.#take(response);
    } catch (error) {
      if (this.#context.abort.aborted) report.interrupted();
      throw error;
    } finally {
      this.#requests.end();
      for (const { frames } of this.#receivings.values()) frames.end();
      await Promise.all([...this.#receivings.values()].map(({ received }) => received));
    }
    return report.finish();
  }

  async #take({ kind }: CopyFromNodesResponse): Promise<void> {
    switch (kind.case) {
      case 'selected':
        return this.#report.select(kind.value.nodes);
      case 'end':
        this.#receivings.get(kind.value.node)?.frames.end();
        if (this.#report.end(kind.value)) this.#requests.end();
        return;
      case 'sender':
        if (kind.value.frame) await this.#takeFrame(kind.value.node, kind.value.frame);
    }
  }

  async #takeFrame(node: string, frame: SenderFrame): Promise<void> {
    const receiving = this.#receivings.get(node) ?? this.#begin(node);
    if (frame.kind.case === 'end') this.#report.total(node, frame.kind.value);
    if (frame.kind.case === 'problem') this.#report.problem(node, frame.kind.value);
    receiving.frames.put(frame);
    await receiving.frames.room();
  }

  #begin(node: string): Receiving {
    const frames = new FrameQueue<SenderFrame>(framesAheadMax);
    const receiving = { frames, received: this.#receive(node, frames) };
    this.#receivings.set(node, receiving);
    return receiving;
  }

  /** Never rejects: what goes wrong is a problem of that node, and the others go on. */
  async #receive(node: string, frames: FrameQueue<SenderFrame>): Promise<void> {
    const { abort, clock, out } = this.#context;
    try {
      using target = await this.#trees.openTarget(node);
      const options = { ...this.#trees.sink, target, clock };
      for await (const frame of receiveTree(options, frames.taken(), abort)) {
        this.#requests.put({ kind: { case: 'receiver', value: { node, frame } } });
        if (this.#trees.jsonl && frame.kind.case !== 'want') {
          printJsonLine(out, NodeReceiverFrameSchema, create(NodeReceiverFrameSchema, { node, frame }));
        }
        await this.#report.receiver(node, frame);
      }
    } catch (error) {
      if (!abort.aborted && !isCutOff(error)) this.#giveUp(node, error);
    } finally {
      frames.end();
    }
  }

  /** The node's end says why it was cut off. What went wrong here has to be said here. */
  #giveUp(node: string, error: unknown): void {
    const line = error instanceof Error ? error.message : String(error);
    this.#report.problem(node, create(FileProblemSchema, { error: line }));
    const frame = { kind: { case: 'done' as const, value: { problems: 1n } } };
    this.#requests.put({ kind: { case: 'receiver', value: { node, frame } } });
  }
}

function isCutOff(error: unknown): boolean {
  return error instanceof FileStreamError;
}
