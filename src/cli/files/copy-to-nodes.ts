/** Copies a tree from here to nodes: sends what the controller wants of it, shows how far the nodes are, and how it went. */
import { create, type MessageInitShape } from '@bufbuild/protobuf';
import { FrameQueue } from '#base/files/frame-queue.ts';
import { sendTree } from '#base/files/send-tree.ts';
import type { TreeTop } from '#base/files/walk-tree.ts';
import type { CommandContext } from '#cli/command.ts';
import type { Connection } from '#cli/connect-cluster.ts';
import { printJsonLine } from '#cli/output/json.ts';
import {
  type CopyToNodesRequestSchema,
  type CopyToNodesResponse,
  CopyToNodesResponseSchema,
  type CopyToNodesTargetSchema,
} from '#protocol/gen/drover/v1/api_pb.ts';
import { type ReceiverFrame, ReceiverFrameSchema } from '#protocol/gen/drover/v1/file_pb.ts';
import { CopyReport } from './copy-report.ts';

/** What is sent, and where to. */
export interface TreeToSend {
  readonly tops: readonly TreeTop[];
  readonly recursive: boolean;
  readonly target: MessageInitShape<typeof CopyToNodesTargetSchema>;
  /** Each response as JSON instead of text. */
  readonly jsonl: boolean;
}

/** Resolves to the exit code. */
export async function copyToNodes(
  context: CommandContext,
  connection: Connection,
  { tops, recursive, target, jsonl }: TreeToSend,
): Promise<number> {
  const { out, abort } = context;
  const dryRun = target.put?.dryRun ?? false;
  using report = new CopyReport(context, { done: dryRun ? 'would be copied to' : 'copied to', jsonl });
  const wants = new FrameQueue<ReceiverFrame>(Number.POSITIVE_INFINITY);
  const tree = sendTree({ tops, recursive }, wants.taken(), abort);
  async function* requests(): AsyncGenerator<MessageInitShape<typeof CopyToNodesRequestSchema>> {
    yield { kind: { case: 'target', value: target } };
    for await (const frame of tree) {
      if (frame.kind.case === 'problem') report.problemHere(frame.kind.value);
      if (frame.kind.case === 'end') report.totalOfAll(frame.kind.value);
      yield { kind: { case: 'sender', value: frame } };
    }
  }
  try {
    for await (const response of connection.files.copyToNodes(requests(), { signal: abort })) {
      if (jsonl && response.kind.case !== 'want') printJsonLine(out, CopyToNodesResponseSchema, response);
      await take(response);
    }
  } catch (error) {
    if (abort.aborted) report.interrupted();
    throw error;
  } finally {
    wants.end();
  }
  return report.finish();

  async function take({ kind }: CopyToNodesResponse): Promise<void> {
    if (kind.case === 'selected') report.select(kind.value.nodes);
    else if (kind.case === 'want') wants.put(create(ReceiverFrameSchema, { kind }));
    else if (kind.case === 'end') {
      if (report.end(kind.value)) wants.end();
    } else if (kind.case === 'receiver' && kind.value.frame) {
      await report.receiver(kind.value.node, kind.value.frame);
    }
  }
}
