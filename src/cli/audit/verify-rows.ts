/** Checks the rows of an audit, from the first on, against their chain and against checkpoints. Reads nothing itself. */
import { timestampMs } from '@bufbuild/protobuf/wkt';
import type { AuditCheckpoint } from '#base/audit-checkpoint.ts';
import { ChainCheck, type ChainedRow } from '#base/hash-chain.ts';
import type { AuditRow } from '#protocol/gen/drover/v1/audit_pb.ts';

/** What was found. */
export interface Verdict {
  /** Rows that are good: all, or those before the first bad one. */
  readonly rows: number;
  /** Checkpoints that they were compared with. */
  readonly checkpoints: number;
  /** The last of these. */
  readonly latest: AuditCheckpoint | undefined;
  /** What is wrong, for a person, with the first bad row; undefined where nothing is. */
  readonly problem: string | undefined;
}

/** Checks them. @param checkpoints of this audit, in any order. */
export async function verifyRows(
  rows: AsyncIterable<AuditRow>,
  checkpoints: readonly AuditCheckpoint[],
): Promise<Verdict> {
  const pending = checkpoints.toSorted((a, b) => a.sequence - b.sequence);
  const chain = new ChainCheck();
  let compared = 0;
  const verdict = (problem?: string): Verdict => {
    return { rows: chain.sequence, checkpoints: compared, latest: pending[compared - 1], problem };
  };
  for await (const row of rows) {
    const problem = chain.add(chainedRow(row));
    if (problem !== undefined) return verdict(problem);
    for (let next = pending[compared]; next?.sequence === chain.sequence; next = pending[compared]) {
      if (next.hash !== chain.hash) return verdict(describeRewritten(next, pending[compared - 1]));
      compared++;
    }
  }
  const missing = pending.at(-1);
  if (!missing || compared === pending.length) return verdict();
  return verdict(describeCutTail(chain.sequence, missing));
}

function chainedRow({ sequence, hash, at, ...row }: AuditRow): ChainedRow {
  const { who, verb, decision, nodes, targets, request, reason } = row;
  const atMs = at ? timestampMs(at) : 0;
  const content = { at: atMs, who, verb, decision, nodes, targets, request, reason };
  return { sequence: Number(sequence), hash, content };
}

function describeRewritten({ sequence, atMs }: AuditCheckpoint, good: AuditCheckpoint | undefined): string {
  const from = (good?.sequence ?? 0) + 1;
  const which = from === sequence ? `row ${sequence}` : `a row from ${from} to ${sequence}`;
  return `${which} was changed and all behind it written anew: the checkpoint of ${moment(atMs)} does not fit`;
}

function describeCutTail(last: number, { sequence, atMs }: AuditCheckpoint): string {
  const from = last + 1;
  const which = from === sequence ? `row ${sequence} is missing` : `rows ${from} to ${sequence} are missing`;
  return `${which} at the end: the checkpoint of ${moment(atMs)} has them`;
}

function moment(atMs: number): string {
  return new Date(atMs).toISOString();
}
