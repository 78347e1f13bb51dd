/** `drover audit`: who was allowed or denied what, up to now or on and on. */
import { create } from '@bufbuild/protobuf';
import { timestampFromMs } from '@bufbuild/protobuf/wkt';
import { type CommandLine, UsageError } from '#base/command-line.ts';
import { auditLine } from '#cli/audit/audit-line.ts';
import { auditStream } from '#cli/audit/audit-stream.ts';
import { callOptions } from '#cli/call-options.ts';
import type { CommandContext } from '#cli/command.ts';
import type { Connection } from '#cli/connect-cluster.ts';
import { printJson, printJsonLine } from '#cli/output/json.ts';
import { cut } from '#cli/output/table.ts';
import { parseCount } from '#cli/parse-count.ts';
import { parseMoment } from '#cli/parse-moment.ts';
import type { auditSyntax } from '#cli/syntax/audit-syntax.ts';
import { exitCodes } from '#core/exit-code.ts';
import {
  type AuditQuery,
  AuditQuerySchema,
  type AuditRow,
  AuditRowSchema,
  ListAuditResponseSchema,
} from '#protocol/gen/drover/v1/audit_pb.ts';
import { limits } from '#protocol/limits.ts';

type Options = CommandLine<(typeof auditSyntax)['options']>['options'];

/** How many are printed where nobody says. */
const linesDefault = 50;

/** Prints rows, oldest first. */
export async function audit(
  context: CommandContext,
  { options }: CommandLine<(typeof auditSyntax)['options']>,
): Promise<number> {
  const { out, clock } = context;
  const { follow = false, output, since, until } = options;
  if (follow && output === 'json')
    throw new UsageError('drover audit: -o json has an end, -f has none: use -o jsonl');
  if (follow && until !== undefined)
    throw new UsageError('drover audit: --until has an end, -f has none: leave one out');
  const query = readQuery(options, context.selection, clock.wallMs());
  const bounded = options.lines !== undefined || (since === undefined && until === undefined);
  const count = bounded ? parseCount(options.lines ?? String(linesDefault), '--lines', 0) : undefined;
  const all: AuditRow[] = [];
  for await (const row of readRows(context, await context.connect(options.data), query, count, follow)) {
    if (output === 'json') all.push(row);
    else if (output === 'jsonl') printJsonLine(out, AuditRowSchema, row);
    else out.outLine(cut(auditLine(row), out.columns ?? Number.POSITIVE_INFINITY));
    await out.drained();
  }
  if (output === 'json')
    printJson(out, ListAuditResponseSchema, create(ListAuditResponseSchema, { rows: all }));
  return exitCodes.success;
}

function readQuery(options: Options, selection: string | undefined, nowMs: number): AuditQuery {
  const { user: users = [], verb: verbs = [], nodes = selection ?? '', denied = false } = options;
  const moment = (text: string | undefined, option: string) =>
    text === undefined ? undefined : timestampFromMs(parseMoment(text, option, nowMs, 'last'));
  const since = moment(options.since, '--since');
  const until = moment(options.until, '--until');
  return create(AuditQuerySchema, {
    ...{ users, verbs, nodes, denied },
    ...(since ? { since } : {}),
    ...(until ? { until } : {}),
  });
}

/** The last `count`, or all of them, and with `follow` those that come. */
async function* readRows(
  context: CommandContext,
  connection: Connection,
  query: AuditQuery,
  count: number | undefined,
  follow: boolean,
): AsyncGenerator<AuditRow> {
  const { out, clock, abort } = context;
  let afterSequence = 0n;
  if (count !== undefined) {
    const { rows, seen } = await lastRows(context, connection, query, count);
    yield* rows;
    if (!follow) return;
    afterSequence = seen;
  }
  yield* auditStream(connection, {
    query,
    afterSequence,
    follow,
    clock,
    abort,
    reached: count !== undefined,
    onLost: () => out.errLine('drover: lost the controller, trying to reach it again'),
    onBack: () => {},
  });
}

/** Oldest first, and the number up to which everything was seen. */
async function lastRows(context: CommandContext, { audit }: Connection, query: AuditQuery, count: number) {
  const rows: AuditRow[] = [];
  const call = callOptions(context);
  // The newest row of all, whether it matches or not: what comes behind it is news.
  const newest = await audit.listAudit({ pageSize: 1 }, call);
  const seen = newest.rows[0]?.sequence ?? 0n;
  for (let pageToken = ''; rows.length < count; ) {
    const pageSize = Math.min(count - rows.length, limits.pageMax);
    const page = await audit.listAudit({ query, pageSize, pageToken }, call);
    rows.push(...page.rows.filter(({ sequence }) => sequence <= seen));
    pageToken = page.nextPageToken;
    if (pageToken === '') break;
  }
  return { rows: rows.reverse(), seen };
}
