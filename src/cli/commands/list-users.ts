/** `drover user list`: who may use the cluster. */
import type { CommandLine } from '#base/command-line.ts';
import { callOptions } from '#cli/call-options.ts';
import type { CommandContext } from '#cli/command.ts';
import { showTime } from '#cli/output/format-time.ts';
import { type ListView, printList } from '#cli/output/print-list.ts';
import type { listUsersSyntax } from '#cli/syntax/access-syntax.ts';
import { exitCodes } from '#core/exit-code.ts';
import { ListUsersResponseSchema, UserSchema } from '#protocol/gen/drover/v1/access_pb.ts';

const view: ListView<typeof ListUsersResponseSchema, typeof UserSchema> = {
  list: ListUsersResponseSchema,
  item: UserSchema,
  columns: [
    { header: 'NAME', value: ({ name }) => name },
    { header: 'ROLES', value: ({ roles }) => roles.join(',') || '-' },
    { header: 'STATE', value: ({ disabled }) => (disabled ? 'disabled' : 'enabled') },
    { header: 'SINCE', value: ({ createdAt }) => showTime(createdAt) },
    { header: 'BY', value: ({ createdBy, subject }) => createdBy || (subject ? 'login' : '-') },
  ],
  name: ({ name }) => name,
  empty: 'there are no users',
};

/** Lists them by name. */
export async function listUsers(
  context: CommandContext,
  { options }: CommandLine<(typeof listUsersSyntax)['options']>,
): Promise<number> {
  const { users } = await context.connect(options.data);
  const list = await users.listUsers({}, callOptions(context));
  printList(context.out, options.output, view, list, list.users);
  return exitCodes.success;
}
