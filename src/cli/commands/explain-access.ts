/** `drover access explain`: which rule decides. */
import { type CommandLine, UsageError } from '#base/command-line.ts';
import { callOptions } from '#cli/call-options.ts';
import type { CommandContext } from '#cli/command.ts';
import { printJson } from '#cli/output/json.ts';
import { oneLine } from '#cli/output/strip-control.ts';
import type { explainAccessSyntax } from '#cli/syntax/access-syntax.ts';
import { exitCodes } from '#core/exit-code.ts';
import { ExplainAccessResponseSchema } from '#protocol/gen/drover/v1/access_pb.ts';

/** Prints a line for each answer. @returns 7 where one of them is no. */
export async function explainAccess(
  context: CommandContext,
  { options, words }: CommandLine<(typeof explainAccessSyntax)['options']>,
): Promise<number> {
  const [user, verb, ...argv] = words;
  if (user === undefined || verb === undefined) {
    throw new UsageError(
      'drover access explain: may who do what? give a user and a verb, such as task.launch',
    );
  }
  const { out } = context;
  const { users } = await context.connect(options.data);
  const request = { user, verb, nodes: options.nodes ?? '', runAs: options['run-as'] ?? '', argv };
  const response = await users.explainAccess(request, callOptions(context));
  const { decisions } = response;
  if (options.output === 'json') printJson(out, ExplainAccessResponseSchema, response);
  for (const { nodes, allowed, reason } of options.output === 'json' ? [] : decisions) {
    const where = nodes === '' ? '' : `${nodes}: `;
    out.outLine(oneLine(`${where}${allowed ? 'allowed' : 'denied'}: ${reason}`));
  }
  return decisions.every(({ allowed }) => allowed) ? exitCodes.success : exitCodes.denied;
}
