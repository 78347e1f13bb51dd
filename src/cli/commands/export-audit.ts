/** `drover audit export`: the whole audit, as JSON lines. */
import type { CommandLine } from '#base/command-line.ts';
import { auditStream } from '#cli/audit/audit-stream.ts';
import type { CommandContext } from '#cli/command.ts';
import { printJsonLine } from '#cli/output/json.ts';
import type { exportAuditSyntax } from '#cli/syntax/audit-syntax.ts';
import { exitCodes } from '#core/exit-code.ts';
import { AuditRowSchema } from '#protocol/gen/drover/v1/audit_pb.ts';

/** Prints every row, oldest first. */
export async function exportAudit(
  context: CommandContext,
  { options }: CommandLine<(typeof exportAuditSyntax)['options']>,
): Promise<number> {
  const { out, clock, abort } = context;
  const rows = auditStream(await context.connect(options.data), {
    query: {},
    afterSequence: 0n,
    follow: false,
    clock,
    abort,
    onLost: () => out.errLine('drover: lost the controller, trying to reach it again'),
    onBack: () => {},
  });
  for await (const row of rows) {
    printJsonLine(out, AuditRowSchema, row);
    await out.drained();
  }
  return exitCodes.success;
}
