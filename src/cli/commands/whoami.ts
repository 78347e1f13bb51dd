/** `drover whoami`: as whom the cluster is used. */
import type { CommandLine } from '#base/command-line.ts';
import { callOptions } from '#cli/call-options.ts';
import type { CommandContext } from '#cli/command.ts';
import { printJson } from '#cli/output/json.ts';
import type { whoAmISyntax } from '#cli/syntax/access-syntax.ts';
import { exitCodes } from '#core/exit-code.ts';
import { WhoAmIResponseSchema } from '#protocol/gen/drover/v1/access_pb.ts';
import { printFields } from './print-fields.ts';
import { untilWhen } from './user-tokens.ts';

/** Prints it. */
export async function whoAmI(
  context: CommandContext,
  { options }: CommandLine<(typeof whoAmISyntax)['options']>,
): Promise<number> {
  const { out } = context;
  const connection = await context.connect(options.data);
  const answer = await connection.users.whoAmI({}, callOptions(context));
  if (options.output === 'json') {
    printJson(out, WhoAmIResponseSchema, answer);
    return exitCodes.success;
  }
  const { user, token } = answer;
  printFields(out, [
    ['user', user?.name ?? ''],
    ['roles', user?.roles.join(', ') || 'none'],
    ['cluster', connection.address],
    ['token', token ? `${token.id}, ${untilWhen(token.expiresAt)}` : ''],
    ['only for the roles', token?.roles.join(', ') ?? ''],
    ['only for the verbs', token?.verbs.join(', ') ?? ''],
  ]);
  return exitCodes.success;
}
