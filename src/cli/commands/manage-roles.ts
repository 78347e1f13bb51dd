/** `drover role create|show|remove`. */

import { createReadStream } from 'node:fs';
import { type CommandLine, UsageError } from '#base/command-line.ts';
import { callOptions } from '#cli/call-options.ts';
import type { CommandContext } from '#cli/command.ts';
import { printJson } from '#cli/output/json.ts';
import { readText } from '#cli/read-text.ts';
import { parseRole, renderRole } from '#cli/role-file.ts';
import type { createRoleSyntax, removeRoleSyntax, showRoleSyntax } from '#cli/syntax/access-syntax.ts';
import { exitCodes } from '#core/exit-code.ts';
import { RoleSchema } from '#protocol/gen/drover/v1/access_pb.ts';

/** Characters of a role's file: many times what its limits let it need. */
const roleTextMax = 1 << 20;

/** Records the role of a file. */
export async function createRole(
  context: CommandContext,
  { options, words: [path] }: CommandLine<(typeof createRoleSyntax)['options']>,
): Promise<number> {
  if (path === undefined) throw new UsageError('drover role create: of which file? - reads standard input');
  const role = parseRole(await readRole(path, context), path === '-' ? 'standard input' : path);
  const { roles } = await context.connect(options.data);
  const { name } = await roles.createRole({ role, replace: options.replace ?? false }, callOptions(context));
  context.out.outLine(`recorded ${name}`);
  return exitCodes.success;
}

/** Prints one. */
export async function showRole(
  context: CommandContext,
  { options, words: [name] }: CommandLine<(typeof showRoleSyntax)['options']>,
): Promise<number> {
  if (name === undefined) throw new UsageError('drover role show: which role? drover role list has them');
  const { roles } = await context.connect(options.data);
  const role = await roles.getRole({ name }, callOptions(context));
  if (options.output === 'json') printJson(context.out, RoleSchema, role);
  else context.out.out(renderRole(role));
  return exitCodes.success;
}

/** Removes one. */
export async function removeRole(
  context: CommandContext,
  { options, words: [name] }: CommandLine<(typeof removeRoleSyntax)['options']>,
): Promise<number> {
  if (name === undefined) throw new UsageError('drover role remove: which role? drover role list has them');
  const { roles } = await context.connect(options.data);
  await roles.removeRole({ name }, callOptions(context));
  context.out.outLine(`removed ${name}`);
  return exitCodes.success;
}

async function readRole(path: string, { input, abort }: CommandContext): Promise<string> {
  if (path === '-' && !input)
    throw new UsageError('drover role create: standard input is read by somebody else');
  const stream = path === '-' && input ? input : createReadStream(path);
  const failure = `cannot read ${path}`;
  const text = await readText(stream, { failure, charactersMax: roleTextMax, abort });
  if (text.length > roleTextMax) throw new UsageError(`a role has ${roleTextMax} characters at the most`);
  return text;
}
