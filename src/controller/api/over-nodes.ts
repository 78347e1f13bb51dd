/**
 * The nodes of a call about files, each asked when its turn comes, and for each exactly one end. Once too many have failed, those under
 * way go on and the rest is skipped.
 */
import { create, type MessageInitShape } from '@bufbuild/protobuf';
import { NodeDeniedError, NodeGoneError, NodeRefusedError } from '#controller/dispatch/dispatch.ts';
import { describeTooManyFailures } from '#core/pacing.ts';
import { RefusedError } from '#protocol/errors.ts';
import { type FileEnd, FileEndSchema, FileOutcome } from '#protocol/gen/drover/v1/api_pb.ts';
import type { CopyProgress, FileProblem } from '#protocol/gen/drover/v1/file_pb.ts';
import type { NodeName } from '#protocol/ids.ts';
import type { FileCall, FileNode } from './file-call.ts';
import { forEachAtOnce } from './for-each-at-once.ts';

/** What is done on one node; `tally` is what its end is made of. @throws NodeRefusedError; RefusedError when the caller's part failed. */
export type NodeWork = (node: NodeName, tally: NodeTally) => Promise<void>;

const failures: ReadonlySet<FileOutcome> = new Set([
  FileOutcome.FAILED,
  FileOutcome.DENIED,
  FileOutcome.UNREACHABLE,
]);

/** How far one node is, and what went wrong on it. */
export class NodeTally {
  /** How far a copy is. */
  progress: CopyProgress | undefined;
  /** Entries that were found, made, moved or removed. */
  entries = 0n;
  #problems = 0;
  #isDenied = true;

  /** Something is wrong with one entry. */
  add({ denied }: FileProblem): void {
    this.#problems++;
    this.#isDenied &&= denied;
  }

  /** How it ended, where it came to its end. */
  get outcome(): FileOutcome {
    if (this.#problems === 0 && (this.progress?.problems ?? 0n) === 0n) return FileOutcome.DONE;
    const isNothingDone = this.entries + (this.progress?.entries ?? 0n) === 0n;
    return this.#problems > 0 && this.#isDenied && isNothingDone ? FileOutcome.DENIED : FileOutcome.FAILED;
  }
}

/**
 * Works on all nodes; `tell` is called with the end of each as it comes. Resolves when all have theirs.
 *
 * @throws what a node's work throws and is no end of it: the reason of an abort, a failure of ours.
 */
export async function overNodes(call: FileCall, work: NodeWork, tell: (end: FileEnd) => void): Promise<void> {
  let failed = 0;
  await forEachAtOnce(call.nodes, call.nodesAtOnce, async ({ name, skipped }: FileNode) => {
    const isOver = failed > call.failuresMax;
    const why = skipped ?? (isOver ? describeTooManyFailures(call, failed) : undefined);
    const end = why === undefined ? await endOf(name, work) : skip(name, why);
    if (failures.has(end.outcome)) failed++;
    tell(end);
  });
}

function skip(node: NodeName, reason: string): FileEnd {
  return create(FileEndSchema, { node, outcome: FileOutcome.SKIPPED, reason });
}

async function endOf(node: NodeName, work: NodeWork): Promise<FileEnd> {
  const tally = new NodeTally();
  const end = (outcome: FileOutcome, reason: string) => {
    const { progress, entries } = tally;
    const told: MessageInitShape<typeof FileEndSchema> = { node, outcome, reason, entries };
    return create(FileEndSchema, progress ? { ...told, progress } : told);
  };
  try {
    await work(node, tally);
    return end(tally.outcome, '');
  } catch (error) {
    if (error instanceof NodeDeniedError) return end(FileOutcome.DENIED, error.message);
    if (error instanceof NodeGoneError) return end(FileOutcome.UNREACHABLE, error.message);
    if (error instanceof NodeRefusedError || error instanceof RefusedError) {
      return end(FileOutcome.FAILED, error.message);
    }
    throw error;
  }
}
