/** Which rows of the audit a query means. Pure: reading them is audit-service.ts's. */
import { timestampMs } from '@bufbuild/protobuf/wkt';
import type { AuditRow } from '#controller/store/store.ts';
import { verbName } from '#core/access/verbs.ts';
import { ExpressionError } from '#core/expression/expression-error.ts';
import { expandNodeSet } from '#core/node-set/expand-node-set.ts';
import { nodeSetMatches } from '#core/node-set/node-set-matches.ts';
import { parseNodeSet } from '#core/node-set/parse-node-set.ts';
import { quote } from '#core/quote.ts';
import { RefusedError } from '#protocol/errors.ts';
import type { AuditQuery } from '#protocol/gen/drover/v1/audit_pb.ts';
import { Verb } from '#protocol/gen/drover/v1/options_pb.ts';

/** A query that was understood. */
export interface AuditFilter {
  readonly sinceMs: number | undefined;
  readonly untilMs: number | undefined;
  matches(row: AuditRow): boolean;
}

const verbNames = Object.values(Verb).map(verbName);

/**
 * The filter of a query; an absent or empty one means every row.
 *
 * @throws RefusedError INVALID for a verb that there is not, or a node set that is none of names.
 */
export function auditFilter(query: AuditQuery | undefined): AuditFilter {
  const { users = [], verbs = [], nodes = '', since, until, denied = false } = query ?? {};
  const sinceMs = since && timestampMs(since);
  const untilMs = until && timestampMs(until);
  const who = new Set(users);
  const wanted = new Set(verbs.flatMap(resolveVerb));
  const isAbout = nodes === '' ? () => true : aboutOneOf(patternOf(nodes));
  const matches = (row: AuditRow) =>
    (sinceMs === undefined || row.atMs >= sinceMs) &&
    (untilMs === undefined || row.atMs < untilMs) &&
    (who.size === 0 || who.has(row.who)) &&
    (wanted.size === 0 || wanted.has(row.verb)) &&
    (!denied || row.decision === 'denied') &&
    isAbout(row);
  return { sinceMs, untilMs, matches };
}

function resolveVerb(word: string): string[] {
  const found = verbNames.filter((name) => name === word || name.startsWith(`${word}.`));
  if (found.length > 0) return found;
  throw new RefusedError('INVALID', `there is no verb ${quote(word)}`, [word.slice(0, 64)]);
}

/** Whether a name is in a set, which may have globs and name nodes that are gone. */
function patternOf(nodes: string): (name: string) => boolean {
  try {
    const pattern = parseNodeSet(nodes);
    // Says at once if it hangs on labels, which a row does not have.
    nodeSetMatches(pattern, 'any');
    return (name) => nodeSetMatches(pattern, name);
  } catch (cause) {
    if (!(cause instanceof ExpressionError)) throw cause;
    throw new RefusedError('INVALID', cause.message, [nodes.slice(0, 64)], { cause });
  }
}

/** Rows often name the same nodes, one after the other. */
function aboutOneOf(isWanted: (name: string) => boolean): (row: AuditRow) => boolean {
  let last = { nodes: '', isAbout: false };
  return ({ nodes }) => {
    if (nodes !== last.nodes) last = { nodes, isAbout: nodes !== '' && hasOne(nodes, isWanted) };
    return last.isAbout;
  };
}

/** A folded set that is longer than one may write, of ten thousand names without order, counts as about all. */
function hasOne(folded: string, isWanted: (name: string) => boolean): boolean {
  try {
    return expandNodeSet(parseNodeSet(folded)).some(isWanted);
  } catch (error) {
    if (error instanceof ExpressionError) return true;
    throw error;
  }
}
