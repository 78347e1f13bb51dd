/** `drover logout`: forgets a context, and makes its token useless where that is wanted. */
import { type CommandLine, UsageError } from '#base/command-line.ts';
import { callOptions } from '#cli/call-options.ts';
import type { CommandContext } from '#cli/command.ts';
import { connectCluster } from '#cli/connect-cluster.ts';
import { readContexts, writeContexts } from '#cli/contexts-file.ts';
import type { logoutSyntax } from '#cli/syntax/login-syntax.ts';
import { exitCodes } from '#core/exit-code.ts';

/** Forgets the one that is named, or the one in use. */
export async function logout(
  context: CommandContext,
  { options, words }: CommandLine<(typeof logoutSyntax)['options']>,
): Promise<number> {
  const { current, byName } = readContexts(context.contextsFile);
  const name = words[0] ?? current;
  const access = name === undefined ? undefined : byName.get(name);
  if (name === undefined || !access) {
    const what = name === undefined ? 'no context is in use' : `there is no context ${JSON.stringify(name)}`;
    throw new UsageError(`drover logout: ${what}; drover context list has them`);
  }
  const id = access.token.split('.')[1] ?? '';
  if (options.revoke) {
    using connection = connectCluster(access);
    await connection.userTokens.revokeUserToken({ id }, callOptions(context));
  }
  const left = new Map([...byName].filter(([other]) => other !== name));
  await writeContexts(context.contextsFile, {
    current: name === current ? undefined : current,
    byName: left,
  });
  context.out.outLine(`logged out of ${name}${options.revoke ? '' : `; its token ${id} is still good`}`);
  return exitCodes.success;
}
