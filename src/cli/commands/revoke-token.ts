/** `drover join-token revoke`: makes a token useless. */
import { type CommandLine, UsageError } from '#base/command-line.ts';
import { callOptions } from '#cli/call-options.ts';
import type { CommandContext } from '#cli/command.ts';
import type { revokeTokenSyntax } from '#cli/syntax/cluster-syntax.ts';
import { exitCodes } from '#core/exit-code.ts';

/** Revokes one by its id, or by the token itself: its id is its second part. */
export async function revokeToken(
  context: CommandContext,
  { options, words }: CommandLine<(typeof revokeTokenSyntax)['options']>,
): Promise<number> {
  const [given] = words;
  if (given === undefined) {
    throw new UsageError('drover join-token revoke: which? give one id; drover join-token list has them');
  }
  const id = /^dv1\.([^.]+)\./.exec(given)?.[1] ?? given;
  const connection = await context.connect(options.data);
  await connection.joinTokens.revokeJoinToken({ id }, callOptions(context));
  context.out.outLine(`revoked ${id}`);
  return exitCodes.success;
}
