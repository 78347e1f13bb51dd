/** `drover audit verify`: whether the audit is what was recorded, as far as its chain and its checkpoints tell. */
import { createReadStream, existsSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fromJsonString } from '@bufbuild/protobuf';
import type { AuditCheckpoint } from '#base/audit-checkpoint.ts';
import type { CommandLine } from '#base/command-line.ts';
import { auditStream } from '#cli/audit/audit-stream.ts';
import { readCheckpoints } from '#cli/audit/read-checkpoints.ts';
import { type Verdict, verifyRows } from '#cli/audit/verify-rows.ts';
import type { CommandContext } from '#cli/command.ts';
import { CommandError } from '#cli/command-error.ts';
import type { verifyAuditSyntax } from '#cli/syntax/audit-syntax.ts';
import { exitCodes } from '#core/exit-code.ts';
import { type AuditRow, AuditRowSchema } from '#protocol/gen/drover/v1/audit_pb.ts';

/** Where a controller writes them unless it is told otherwise, beneath the directory of a cluster. */
const places = [join('audit', 'checkpoints'), join('controller', 'audit', 'checkpoints')] as const;

/** Reads all rows and checks them; the first bad one is an error. */
export async function verifyAudit(
  context: CommandContext,
  { options, words }: CommandLine<(typeof verifyAuditSyntax)['options']>,
): Promise<number> {
  const [file] = words;
  const data = options.data ?? context.dataDirectory;
  const directory = options.checkpoints ?? places.map((place) => join(data, place)).find(existsSync);
  const checkpoints = directory === undefined ? [] : await readCheckpoints(directory, options.key);
  const verdict =
    file === undefined
      ? await verifyOnline(context, options.data, checkpoints)
      : await verifyRows(readExport(file), ofCluster(checkpoints, checkpoints.at(-1)?.cluster));
  if (verdict.problem !== undefined) {
    const good = verdict.rows === 0 ? '' : `; rows 1 to ${verdict.rows} are as they were recorded`;
    throw new CommandError(exitCodes.requestFailed, `the audit was tampered with: ${verdict.problem}${good}`);
  }
  context.out.outLine(describe(verdict));
  return exitCodes.success;
}

async function verifyOnline(
  context: CommandContext,
  data: string | undefined,
  checkpoints: readonly AuditCheckpoint[],
): Promise<Verdict> {
  const { out, clock, abort } = context;
  const connection = await context.connect(data);
  const { id } = await connection.cluster.getCluster({}, { signal: abort });
  const rows = auditStream(connection, {
    query: {},
    afterSequence: 0n,
    follow: false,
    clock,
    abort,
    onLost: () => out.errLine('drover: lost the controller, trying to reach it again'),
    onBack: () => {},
  });
  return verifyRows(rows, ofCluster(checkpoints, id));
}

/** A directory may have been that of an earlier cluster too. */
function ofCluster(
  checkpoints: readonly AuditCheckpoint[],
  id: string | undefined,
): readonly AuditCheckpoint[] {
  const own = checkpoints.filter(({ cluster }) => cluster === id);
  if (own.length > 0 || checkpoints.length === 0) return own;
  throw new CommandError(exitCodes.requestFailed, 'none of these checkpoints is of this cluster');
}

async function* readExport(file: string): AsyncGenerator<AuditRow> {
  const place = file === '-' ? 'standard input' : file;
  const input = file === '-' ? process.stdin : createReadStream(file);
  let number = 0;
  try {
    for await (const line of createInterface({ input })) {
      number++;
      yield fromJsonString(AuditRowSchema, line, { ignoreUnknownFields: true });
    }
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException;
    const what =
      code === undefined ? `line ${number} of ${place} is no row of an audit` : `cannot read ${place}`;
    throw new CommandError(exitCodes.requestFailed, what, { cause });
  }
}

function describe({ rows, checkpoints, latest }: Verdict): string {
  const chain = `${rows} rows, chained without a gap`;
  if (!latest)
    return `${chain}; there was no checkpoint to compare them with, so that a cut tail would not show`;
  const behind = rows - latest.sequence;
  const after = behind === 0 ? '' : `, ${behind} rows before the end`;
  const signed = `${checkpoints} checkpoints fit, the last of ${new Date(latest.atMs).toISOString()}${after}`;
  return `${chain}; ${signed}`;
}
