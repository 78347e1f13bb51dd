/** How a command about files ended on its nodes: the counts, the reasons, and the exit code. Every node is in it exactly once. */
import { oneLine } from '#cli/output/strip-control.ts';
import { exitCodes } from '#core/exit-code.ts';
import { foldNodeNames } from '#core/node-set/fold-node-names.ts';
import { type FileEnd, FileOutcome } from '#protocol/gen/drover/v1/api_pb.ts';

/** How a node is counted; "unknown" is one that nothing was told of: the connection was lost before. */
type Standing = 'done' | 'failed' | 'denied' | 'skipped' | 'unreachable' | 'unknown';

const standings: readonly Standing[] = ['done', 'failed', 'denied', 'skipped', 'unreachable', 'unknown'];

const standingOf: Readonly<Record<FileOutcome, Standing>> = {
  [FileOutcome.UNSPECIFIED]: 'unknown',
  [FileOutcome.DONE]: 'done',
  [FileOutcome.FAILED]: 'failed',
  [FileOutcome.DENIED]: 'denied',
  [FileOutcome.UNREACHABLE]: 'unreachable',
  [FileOutcome.SKIPPED]: 'skipped',
};

const codes: Readonly<Record<Standing, number>> = {
  done: exitCodes.success,
  failed: exitCodes.taskFailed,
  denied: exitCodes.denied,
  skipped: exitCodes.taskFailed,
  unreachable: exitCodes.unreachable,
  unknown: exitCodes.unreachable,
};

/** Which code wins where several hold; earlier wins. */
const precedence = [exitCodes.denied, exitCodes.unreachable, exitCodes.taskFailed];

/** Distinct reasons of one standing that get a line each: more are one line together. */
const reasonLinesMax = 10;

/** What was selected, and what came of it so far. */
export interface FileEnds {
  /** Names of all nodes, in natural order. */
  readonly nodes: readonly string[];
  readonly ends: ReadonlyMap<string, FileEnd>;
}

/** Exit code of the whole. */
export function exitCodeOfFiles(all: FileEnds): number {
  const found = new Set(all.nodes.map((node) => codes[standingAt(all, node)]));
  return precedence.find((code) => found.has(code)) ?? exitCodes.success;
}

/**
 * The first line counts, as "copied to 97 · 2 failed · 1 unreachable"; each further line names the nodes of one reason.
 *
 * @param done what was done on those where it was, such as "copied to".
 */
export function renderFileEnds(all: FileEnds, done: string): string[] {
  const byStanding = Map.groupBy(all.nodes, (node) => standingAt(all, node));
  const counts = standings.flatMap((standing) => {
    const count = byStanding.get(standing)?.length ?? 0;
    if (count === 0) return [];
    return [
      standing === 'done' ? `${done} ${count} ${count === 1 ? 'node' : 'nodes'}` : `${count} ${standing}`,
    ];
  });
  const lines = standings
    .filter((standing) => standing !== 'done')
    .flatMap((standing) => reasonsOf(all, standing, byStanding.get(standing) ?? []));
  return [counts.join(' · '), ...lines];
}

function standingAt({ ends }: FileEnds, node: string): Standing {
  const outcome = ends.get(node)?.outcome ?? FileOutcome.UNSPECIFIED;
  return standingOf[outcome] ?? 'unknown';
}

/** Nodes whose problems were told already have no reason, and need no line. */
function reasonsOf({ ends }: FileEnds, standing: Standing, nodes: readonly string[]): string[] {
  const byReason = Map.groupBy(nodes, (node) => reasonAt(ends.get(node)));
  byReason.delete('');
  if (byReason.size > reasonLinesMax) {
    return [`${standing}, for ${byReason.size} reasons: ${foldNodeNames([...byReason.values()].flat())}`];
  }
  return [...byReason].map(([reason, those]) => `${reason}: ${foldNodeNames(those)}`);
}

function reasonAt(end: FileEnd | undefined): string {
  return end ? oneLine(end.reason) : 'the connection was lost before it was told';
}
