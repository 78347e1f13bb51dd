/** `drover ca show|export`: the root certificate by which the cluster is known here. */
import { X509Certificate } from 'node:crypto';
import type { CommandLine } from '#base/command-line.ts';
import type { CommandContext } from '#cli/command.ts';
import { pinOf } from '#cli/fetch-root.ts';
import type { exportCaSyntax, showCaSyntax } from '#cli/syntax/ca-syntax.ts';
import { exitCodes } from '#core/exit-code.ts';
import { printFields } from './print-fields.ts';

/** Prints what it is known by. */
export async function showCa(
  context: CommandContext,
  { options }: CommandLine<(typeof showCaSyntax)['options']>,
): Promise<number> {
  const { address, rootCertificate } = await context.connect(options.data);
  const { subject, fingerprint256, validFromDate, validToDate } = new X509Certificate(rootCertificate);
  const shown = {
    cluster: address,
    name: subject.replace(/^CN=/, ''),
    pin: pinOf(rootCertificate),
    fingerprint: fingerprint256,
    from: validFromDate.toISOString(),
    until: validToDate.toISOString(),
  };
  if (options.output === 'json') context.out.outLine(JSON.stringify(shown, undefined, 2));
  else printFields(context.out, Object.entries(shown));
  return exitCodes.success;
}

/** Prints it. */
export async function exportCa(
  context: CommandContext,
  { options }: CommandLine<(typeof exportCaSyntax)['options']>,
): Promise<number> {
  const { rootCertificate } = await context.connect(options.data);
  context.out.outLine(rootCertificate.trimEnd());
  return exitCodes.success;
}
