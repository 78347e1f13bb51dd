/** `drover join-token list`: tokens that could still be used. Their secrets are known to nobody. */
import type { CommandLine } from '#base/command-line.ts';
import { callOptions } from '#cli/call-options.ts';
import type { CommandContext } from '#cli/command.ts';
import { showTime } from '#cli/output/format-time.ts';
import { type ListView, printList } from '#cli/output/print-list.ts';
import type { listTokensSyntax } from '#cli/syntax/cluster-syntax.ts';
import { exitCodes } from '#core/exit-code.ts';
import { JoinTokenSchema, ListJoinTokensResponseSchema } from '#protocol/gen/drover/v1/api_pb.ts';

const view: ListView<typeof ListJoinTokensResponseSchema, typeof JoinTokenSchema> = {
  list: ListJoinTokensResponseSchema,
  item: JoinTokenSchema,
  columns: [
    { header: 'ID', value: ({ id }) => id },
    { header: 'USES', value: ({ usesLeft }) => String(usesLeft), right: true },
    { header: 'EXPIRES', value: ({ expiresAt }) => showTime(expiresAt) },
    { header: 'BY', value: ({ createdBy }) => createdBy },
    { header: 'NAMES', value: ({ names }) => names || 'any' },
  ],
  name: ({ id }) => id,
  empty: 'no join token could be used now',
};

/** Lists them, newest first. */
export async function listTokens(
  context: CommandContext,
  { options }: CommandLine<(typeof listTokensSyntax)['options']>,
): Promise<number> {
  const connection = await context.connect(options.data);
  const list = await connection.joinTokens.listJoinTokens({}, callOptions(context));
  printList(context.out, options.output, view, list, list.tokens);
  return exitCodes.success;
}
