/** `drover user create|grant|revoke|disable|enable|remove`: what is done to one user. */
import { type CommandLine, UsageError } from '#base/command-line.ts';
import { callOptions } from '#cli/call-options.ts';
import type { CommandContext } from '#cli/command.ts';
import { printJson } from '#cli/output/json.ts';
import type { ChangeUserOptions, createUserSyntax, removeUserSyntax } from '#cli/syntax/access-syntax.ts';
import { exitCodes } from '#core/exit-code.ts';
import { type User, UserSchema } from '#protocol/gen/drover/v1/access_pb.ts';

type Line = CommandLine<ChangeUserOptions>;

/** Records a user. */
export async function createUser(
  context: CommandContext,
  { options, words }: CommandLine<(typeof createUserSyntax)['options']>,
): Promise<number> {
  const name = requireName('create', words);
  const { users } = await context.connect(options.data);
  return print(
    context,
    options,
    await users.createUser({ name, roles: options.role ?? [] }, callOptions(context)),
  );
}

/** Gives roles. */
export function grantRoles(context: CommandContext, line: Line): Promise<number> {
  return change(context, line, 'grant', { grant: requireRoles('grant', line.words) });
}

/** Takes roles away. */
export function revokeRoles(context: CommandContext, line: Line): Promise<number> {
  return change(context, line, 'revoke', { revoke: requireRoles('revoke', line.words) });
}

/** Has no token of the user be taken. */
export function disableUser(context: CommandContext, line: Line): Promise<number> {
  return change(context, line, 'disable', { disabled: true });
}

/** Has the tokens of the user be taken again. */
export function enableUser(context: CommandContext, line: Line): Promise<number> {
  return change(context, line, 'enable', { disabled: false });
}

/** Removes a user. */
export async function removeUser(
  context: CommandContext,
  { options, words }: CommandLine<(typeof removeUserSyntax)['options']>,
): Promise<number> {
  const name = requireName('remove', words);
  const { users } = await context.connect(options.data);
  await users.removeUser({ name }, callOptions(context));
  context.out.outLine(`removed ${name}`);
  return exitCodes.success;
}

interface Change {
  readonly grant?: string[];
  readonly revoke?: string[];
  readonly disabled?: boolean;
}

async function change(
  context: CommandContext,
  { options, words }: Line,
  command: string,
  wanted: Change,
): Promise<number> {
  const name = requireName(command, words);
  const { users } = await context.connect(options.data);
  return print(context, options, await users.changeUser({ name, ...wanted }, callOptions(context)));
}

function print({ out }: CommandContext, { output }: { readonly output?: string }, user: User): number {
  if (output === 'json') printJson(out, UserSchema, user);
  else out.outLine(`${user.name}: ${describeUser(user)}`);
  return exitCodes.success;
}

/** "operator, viewer; disabled". */
export function describeUser({ roles, disabled }: User): string {
  return `${roles.join(', ') || 'no role'}${disabled ? '; disabled' : ''}`;
}

function requireName(command: string, [name]: readonly string[]): string {
  if (name !== undefined) return name;
  throw new UsageError(`drover user ${command}: which user? drover user list has them`);
}

function requireRoles(command: string, words: readonly string[]): string[] {
  const name = requireName(command, words);
  const roles = words.slice(1);
  if (roles.length > 0) return roles;
  throw new UsageError(`drover user ${command}: which roles of ${name}? drover role list has them`);
}
