/** `drover role list`: what users can be given. */
import type { CommandLine } from '#base/command-line.ts';
import { callOptions } from '#cli/call-options.ts';
import type { CommandContext } from '#cli/command.ts';
import { type ListView, printList } from '#cli/output/print-list.ts';
import type { listRolesSyntax } from '#cli/syntax/access-syntax.ts';
import { exitCodes } from '#core/exit-code.ts';
import { ListRolesResponseSchema, RoleSchema } from '#protocol/gen/drover/v1/access_pb.ts';

const view: ListView<typeof ListRolesResponseSchema, typeof RoleSchema> = {
  list: ListRolesResponseSchema,
  item: RoleSchema,
  columns: [
    { header: 'NAME', value: ({ name }) => name },
    { header: 'RULES', value: ({ rules }) => String(rules.length), right: true },
    { header: 'BY', value: ({ builtIn, changedBy }) => (builtIn ? '-' : changedBy) },
    { header: 'DESCRIPTION', value: ({ description }) => description },
  ],
  name: ({ name }) => name,
  empty: 'there are no roles',
};

/** Lists them by name. */
export async function listRoles(
  context: CommandContext,
  { options }: CommandLine<(typeof listRolesSyntax)['options']>,
): Promise<number> {
  const { roles } = await context.connect(options.data);
  const list = await roles.listRoles({}, callOptions(context));
  printList(context.out, options.output, view, list, list.roles);
  return exitCodes.success;
}
